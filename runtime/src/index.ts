// The runtime as a library: load a package, feed it lines, take what it finds.

export type { Alert, AlertEvent } from "./alert/alert.js";
export { alertToJson } from "./alert/alert-to-json.js";
export { createAlertRenderer } from "./alert/alert-to-text.js";
export { detectionToAlert } from "./alert/detection-to-alert.js";
export { createDetector, type Detector, type DetectorCounters, type DetectorOptions } from "./engine/detector.js";
export type { BrokenLine } from "./evaluate/broken-lines.js";
export type { ChunkOrigin } from "./evaluate/evaluator.js";
export type { EvidenceEvent } from "./event/stream-event.js";
export type { Detection } from "./lane/detection.js";
export { ModuleError } from "./load/call-module.js";
export {
  type LoadOptions,
  loadPackage,
  type Package,
  type PackageContents,
  packageFromMemory,
} from "./load/load-package.js";
export { PackageError, type PackageProblem, type PackageProblemCode } from "./load/problems.js";
export { readTrustedKey, type Signer, type Trust, type TrustedKey } from "./load/verify-signature.js";
export { type Chunk, InputError, type ReadOptions, readChunks } from "./read/lines.js";
export { createFilesAgain, type FileAgain, type FilesAgain, type LinesAgain } from "./read/read-again.js";
export { summaryJson, summaryText } from "./report/summary.js";
export { type AlertFileOptions, fileOutput } from "./sink/alert-file.js";
export { createDelivery, type Delivery } from "./sink/delivery.js";
export { type Sink, textSink } from "./sink/sink.js";
export { SinkError, streamOutput, type TextOutput } from "./sink/text-output.js";
