"use strict";

import("../dist/cli/main.js").then((cli) => cli.runProcess());
