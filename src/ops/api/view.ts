import type { Config } from '../../config/config.ts'
import { platformSecrets } from '../../config/platforms.ts'
import type { AdapterModule } from '../../contract/index.ts'
import type { ApiDeps } from './app.ts'

/** What of the configuration an operator's API goes by and shows. */
export const operatorView = (
  { backend: { adminToken, tenant }, secretRefs }: Pick<Config, 'backend' | 'secretRefs'>,
  modules: readonly AdapterModule[],
): Pick<ApiDeps, 'token' | 'tenancy' | 'secretRefs' | 'portable'> => ({
  token: adminToken,
  tenancy: tenant && { header: tenant.header, own: tenant.id },
  secretRefs,
  portable: platformSecrets(modules),
})
