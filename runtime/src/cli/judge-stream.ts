// Chunks of a stream -> fed to a detector, whose alerts are written before the next one is taken; and the ways in which it ends.

import { setImmediate } from "node:timers/promises";
import { type Loss, piecesOf } from "../ebpf/notes.js";
import { LIVE_STREAM } from "../ebpf/recording.js";
import type { Detector } from "../engine/detector.js";
import type { Chunk } from "../read/lines.js";
import type { Delivery } from "../sink/delivery.js";
import type { Stop } from "./stop.js";

/** After so many pauses of the detector the process looks whether a signal has come. */
const PAUSES_AT_ONCE = 16;

export type StreamChunk = Pick<Chunk, "bytes" | "file" | "firstLine" | "again">;

export interface JudgedStream {
  /** Judges whole lines, and returns how many. */
  feed(chunk: StreamChunk): Promise<number>;
  /** Judges lines of the collector, which may have notes between them, and returns how many lines there were. */
  feedLive(chunk: Pick<StreamChunk, "bytes" | "firstLine">): Promise<number>;
  /** The stream has been silent for so long. */
  idle(ns: bigint): Promise<void>;
  /** Judges what is left at the end of the input; a signal, or a reader that goes, ends that too. */
  finish(stop: Stop): Promise<"done" | "stopped">;
  /** The run has ended, the stream has not: what is not due is not judged. */
  stop(): Promise<void>;
}

/** `obeysTicks` when the ticks of a live stream tell the time: where everything is sorted they say nothing. */
export function judgeStream(
  detector: Detector,
  delivery: Delivery,
  { obeysTicks, onLoss }: { readonly obeysTicks: boolean; readonly onLoss: (loss: Loss) => void },
): JudgedStream {
  return {
    async feed(chunk) {
      const lines = await delivery.run(detector.feedInSteps(chunk.bytes, chunk));
      await delivery.flush();
      return lines;
    },
    async feedLive({ bytes, firstLine }) {
      let line = firstLine;
      for (const piece of piecesOf(bytes, onLoss)) {
        const origin = { file: LIVE_STREAM, firstLine: line };
        if (piece.kind === "events") line += await delivery.run(detector.feedInSteps(piece.bytes, origin));
        else {
          if (piece.kind === "tick" && obeysTicks) await delivery.run(detector.tickInSteps(piece.bytes, origin));
          line++;
        }
      }
      await delivery.flush();
      return line - firstLine;
    },
    async idle(ns) {
      await delivery.run(detector.idleInSteps(ns));
      await delivery.flush();
    },
    async finish(stop) {
      const steps = detector.finishInSteps();
      const some = function* (): Generator<void, boolean, void> {
        for (let pauses = 0; pauses < PAUSES_AT_ONCE; pauses++) {
          if (steps.next().done === true) return true;
          yield;
        }
        return false;
      };
      while (!(await delivery.run(some()))) {
        await setImmediate();
        if (stop.reason !== null) return "stopped";
      }
      await delivery.flush();
      return "done";
    },
    async stop() {
      await delivery.run(detector.stopInSteps());
      await delivery.flush();
    },
  };
}
