// A recording that breaks off ends the recording, not the run: what it was is said, and at the end thrown.

import { createRecorder, type Recorder, type RecordingHeader } from "../ebpf/recording.js";
import { describeFailure } from "./failures.js";

export interface KeptRecording extends Recorder {
  /** What ended it early; null while it goes on. */
  readonly failure: unknown;
}

/** Records to `path`; nothing where that is null. Throws RecordingError when it cannot begin. */
export async function keepRecording(
  path: string | null,
  header: RecordingHeader,
  say: (line: string) => void,
): Promise<KeptRecording> {
  let failure: unknown = null;
  let recorder = path === null ? null : await createRecorder(path, header);
  const attempt = async (act: (recorder: Recorder) => Promise<void>): Promise<void> => {
    if (recorder === null) return;
    await act(recorder).catch((error: unknown) => {
      failure = error;
      recorder = null;
      for (const line of describeFailure(error) ?? []) say(`${line}; the run goes on without it`);
    });
  };
  return {
    write: (bytes) => attempt((one) => one.write(bytes)),
    close: () => attempt((one) => one.close()),
    get failure() {
      return failure;
    },
  };
}
