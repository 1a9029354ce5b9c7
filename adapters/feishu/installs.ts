// A file of its own: the workspaces of our apps among the installations, so that they can be seen and switched off there.
import type { AdapterDeps } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Binding } from './bindings.ts'

export interface Entry {
  /** Whether the workspace may use us. A new one is entered; one that was switched off stays so until it is switched on. */
  readonly admits: (workspace: string) => Promise<boolean>
  /** Throws SendError for one that was switched off: it is not spoken to either. */
  readonly reach: (workspace: string) => void
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

  const admits: Entry['admits'] = async (workspace) => {
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

  const reach: Entry['reach'] = (workspace) => {
    const found = installs.resolve(workspace)
    if (!found.ok && found.reason !== 'missing_binding')
      throw new SendError('target_gone', `no usable installation for ${workspace}: ${found.reason}`)
  }

  return { admits, reach }
}
