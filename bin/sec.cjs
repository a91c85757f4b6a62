#!/usr/bin/env node
// Old syntax only: an old Node must be able to read this file to say that it is too old.
"use strict";

var needed = "^20.19.0 || >=22.12.0"; // `engines.node` of package.json; a test compares them
var found = process.versions.node.split(".").map(Number);
var major = found[0];
var minor = found[1];

if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) {
  require("./start.cjs");
} else {
  process.stderr.write("sec needs Node.js " + needed + "; this is " + process.versions.node + "\n");
  process.exitCode = 2;
}
