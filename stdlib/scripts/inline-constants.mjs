// A step of asc, before its optimiser runs: constants that have a name become literals. Otherwise each is a global until late
// in the optimiser, which then misses what it knows to do with literals, and naming a number makes the prelude larger.

export default class InlineConstants {
  afterCompile(module) {
    module.runPasses(["simplify-globals", "remove-unused-module-elements"]);
  }
}
