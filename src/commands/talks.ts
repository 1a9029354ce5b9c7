/** A counter of places: nobody waits, who finds none is told. */
export const makePlaces = (most: number): { readonly enter: () => boolean; readonly leave: () => void } => {
  let taken = 0
  return {
    enter: () => {
      if (taken >= most) return false
      taken++
      return true
    },
    leave: () => {
      taken--
    },
  }
}
