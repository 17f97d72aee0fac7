// The runtime as a library: load a package, feed it lines, take what it finds.

export { createAlertWriter } from "./alert/alert-to-json.js";
export { createAlertRenderer } from "./alert/alert-to-text.js";
export type { Detection, EvidenceEvent } from "./alert/detection.js";
export {
  type BrokenLine,
  type ChunkOrigin,
  createDetector,
  type Detector,
  type DetectorCounters,
  type DetectorOptions,
  ModuleError,
} from "./engine/detector.js";
export { loadPackage, type Package, type PackageContents, packageFromMemory } from "./load/load-package.js";
export { PackageError, type PackageProblem, type PackageProblemCode } from "./load/problems.js";
export { type Chunk, InputError, type ReadOptions, readChunks } from "./read/lines.js";
export { summaryJson, summaryText } from "./report/summary.js";
