/**
 * A reason not to start that a person can do something about. Its message is whole sentences, one a line, and is shown
 * as it is, without a stack.
 */
export class StartProblem extends Error {
  override readonly name = 'StartProblem'
}
