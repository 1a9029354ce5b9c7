import type { Hook } from './http.ts'

export interface Addresses {
  /** Hooks that share a listener; port 0 is a listener of its own for each. */
  readonly shared: readonly (readonly Hook[])[]
  /** Hooks whose place is another's, and whose. */
  readonly taken: readonly { readonly hook: Hook; readonly by: string }[]
}

/** Where each hook listens. Of two with one path on one listener only the first could ever be called. */
export const addressesOf = (hooks: readonly Hook[]): Addresses => {
  const groups = new Map<string, Hook[]>()
  const taken: { readonly hook: Hook; readonly by: string }[] = []
  for (const hook of hooks) {
    const { host, port, path } = hook.webhook
    const key = port === 0 ? `${host} ${hook.platform} 0` : `${host} ${port}`
    const group = groups.get(key) ?? []
    const same = group.find((one) => one.webhook.path === path)
    if (same) taken.push({ hook, by: same.platform })
    else groups.set(key, [...group, hook])
  }
  return { shared: [...groups.values()], taken }
}
