// What can be wrong with a package, as data: every check reports here, and the loader throws once with all of it.

export type PackageProblemCode =
  /** There is no package at this place. */
  | "E_PACKAGE_MISSING"
  /** The manifest is not JSON, not the shape that package-format.ts describes, or names rules or predicates that do not exist. */
  | "E_PACKAGE_MANIFEST"
  /** A package format that this loader does not read. */
  | "E_PACKAGE_FORMAT"
  /** A module interface that this runtime does not speak. */
  | "E_PACKAGE_ABI"
  /** The manifest is not the one that was written. */
  | "E_PACKAGE_DIGEST"
  /** Nobody has signed the package, and a signature is asked for. */
  | "E_PACKAGE_UNSIGNED"
  /** The signatures cannot be read, or one of a trusted key is not of this manifest. */
  | "E_PACKAGE_SIGNATURE"
  /** None of the signatures is of a trusted key. */
  | "E_PACKAGE_KEY"
  /** The signature of a trusted key was good until a moment that is over. */
  | "E_PACKAGE_EXPIRED"
  /** A listed file is missing, is not what was written, or stands outside the package. */
  | "E_PACKAGE_FILE"
  /** The module does not compile, or has other imports or exports than abi.ts says. */
  | "E_PACKAGE_MODULE"
  /** Hand-written code that is missing, does not compile, or has other imports or exports than the Host API. */
  | "E_PACKAGE_FOREIGN";

export interface PackageProblem {
  readonly code: PackageProblemCode;
  /** Path within the package, or the package's own path. */
  readonly file: string;
  readonly message: string;
}

/** Thrown for a package that is not loaded; it has at least one problem. */
export class PackageError extends Error {
  readonly problems: readonly PackageProblem[];
  constructor(problems: readonly PackageProblem[]) {
    super(problems.map((problem) => `${problem.code} ${problem.file}: ${problem.message}`).join("\n"));
    this.name = "PackageError";
    this.problems = problems;
  }
}

export type Report = (code: PackageProblemCode, file: string, message: string) => void;
