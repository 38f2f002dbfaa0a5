declare module "argon2id/lib/setup.js" {
  type Load = (imports: WebAssembly.Imports) => Promise<{ instance: WebAssembly.Instance; module: WebAssembly.Module }>;
  const setup: (simd: Load, plain: Load) => Promise<unknown>;
  export default setup;
}
declare module "argon2id/dist/*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
