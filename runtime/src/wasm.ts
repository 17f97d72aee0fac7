// The part of the WebAssembly API that the runtime uses, typed here because the compiler's library for Node does not have it.

/** A compiled module; it can be instantiated any number of times. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

export interface WasmImport {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
}

export interface WasmExport {
  readonly name: string;
  readonly kind: string;
}

interface WasmApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): readonly WasmImport[];
    exports(module: WasmModule): readonly WasmExport[];
  };
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (...parameters: never[]) => { readonly buffer: ArrayBuffer };
  readonly Global: new (...parameters: never[]) => { readonly value: unknown };
}

export const wasm: WasmApi = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
