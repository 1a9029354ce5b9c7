export type InTurn = <T>(task: () => Promise<T>) => Promise<T>

/** Runs tasks strictly one after another, in the order they came; one that fails does not stop the next. */
export const makeTurns = (): InTurn => {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const turn = last.then(task)
    last = turn.catch(() => undefined)
    return turn
  }
}
