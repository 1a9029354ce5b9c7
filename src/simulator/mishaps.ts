/** What goes wrong with one request: `hang` waits before the work, `mute` works and then cuts the connection without an
 *  answer, `cut` cuts it before any work. */
export type Mishap =
  | { readonly kind: 'hang'; readonly ms: number }
  | { readonly kind: 'mute' }
  | { readonly kind: 'cut' }

export interface Mishaps {
  /** `where` is the beginning of a path, with a method before it if only that one is meant: `POST /prompt`. */
  readonly plan: (where: string, mishap: Mishap) => void
  /** The first one planned for this request; it is used up. */
  readonly take: (method: string, path: string) => Mishap | null
}

export function createMishaps(): Mishaps {
  const planned: { readonly method: string | null; readonly path: string; readonly mishap: Mishap }[] = []
  return {
    plan: (where, mishap) => {
      const [method, path] = where.includes(' ') ? where.split(' ') : [null, where]
      planned.push({ method: method ?? null, path: path ?? '/', mishap })
    },
    take: (method, path) => {
      const at = planned.findIndex((one) => (one.method ?? method) === method && path.startsWith(one.path))
      return at < 0 ? null : (planned.splice(at, 1)[0]?.mishap ?? null)
    },
  }
}
