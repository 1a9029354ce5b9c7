// A file of its own: the workspaces of our apps among the installations, so that they can be seen and switched off there.
import type { AdapterDeps } from '../../src/contract/index.ts'
import type { Binding } from './bindings.ts'
import { cureOf, type FeishuError } from './errors.ts'

export interface Entry {
  /** Whether the workspace may use us. A new one is entered; one that was switched off stays so until it is switched on. */
  readonly mayUse: (workspace: string) => Promise<boolean>
  /** There is one, and it is not to be used. */
  readonly isRefused: (workspace: string) => boolean
}

export const makeEntry = (binding: Binding, { installs, log }: Pick<AdapterDeps, 'installs' | 'log'>): Entry => {
  const { account, appId, domain, mode, workspaceName } = binding
  const facts = {
    account,
    app_id: appId,
    domain,
    mode,
    ...(workspaceName === undefined ? {} : { name: workspaceName }),
  }

  const isRefused: Entry['isRefused'] = (workspace) => {
    const found = installs.resolve(workspace)
    return !found.ok && found.reason !== 'missing_binding'
  }
  const mayUse: Entry['mayUse'] = async (workspace) => {
    const found = installs.resolve(workspace)
    if (found.ok) return true
    if (found.reason !== 'missing_binding') {
      log.warn({ account, workspace, reason: found.reason }, 'the installation is not to be used')
      return false
    }
    // The secrets of an app are configured; none of them is kept a second time.
    await installs.save({ workspace, facts, secrets: {} })
    log.info({ account, workspace }, 'a workspace was entered')
    return true
  }
  return { mayUse, isRefused }
}

/** Never rejects: what was sent was sent. */
export type NoteHealth = (workspace: string | undefined, trouble: FeishuError | null) => Promise<void>

const mostNoted = 1000

/** Notes in the health of a workspace what keeps us from sending there until the operator does something, by its code,
 *  and when that has passed. It stops nothing (`degraded`): who mends it there does not have to tell us. */
export const makeHealth = ({ installs, log }: Pick<AdapterDeps, 'installs' | 'log'>): NoteHealth => {
  // What was noted last: most sends change nothing.
  const noted = new Map<string, string>()

  return async (workspace, trouble) => {
    if (workspace === undefined || (trouble !== null && cureOf(trouble) === null)) return
    const [state, reason] = trouble === null ? (['ok', 'sent'] as const) : (['degraded', String(trouble.code)] as const)
    if (noted.get(workspace) === state) return
    try {
      await installs.note(workspace, { health: { state, reason } })
      if (noted.size >= mostNoted) noted.clear()
      noted.set(workspace, state)
    } catch (error) {
      log.warn({ workspace, error: String(error) }, 'the health of an installation was not noted')
    }
  }
}
