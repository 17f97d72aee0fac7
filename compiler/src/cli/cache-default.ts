// Where the folder of the build cache is when none is named. It stands alone so that the help can show it without loading the compiler.

export const CACHE_DEFAULT = "kestrel in the user's folder of caches, $XDG_CACHE_HOME or ~/.cache";
