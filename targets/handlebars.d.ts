/** What we use of Handlebars' runtime; its own declarations describe the whole package, compiler included. */
declare module "handlebars/runtime.js" {
  interface Engine {
    template(spec: unknown): (view: object, options: { readonly partials: object }) => string;
  }
  const runtime: { create(): Engine };
  export default runtime;
}
