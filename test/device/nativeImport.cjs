// Node's own import(), which vitest replaces in the modules that it runs.
module.exports = (url) => import(url);
