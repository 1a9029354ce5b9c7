import { behind } from './guard.ts'
import { json, type Route } from './http.ts'
import { jobStates, jobViews, selectJobs } from './jobs.ts'
import { pageOf } from './page.ts'
import type { World } from './world.ts'

const known = ['status', 'workflow_id', 'sort_by', 'sort_order', 'limit', 'offset']

/** The pack's own list of jobs. The query is looked at before the host is. */
export const openclawJobRoutes = (world: World): readonly Route[] => [
  {
    method: 'GET',
    path: '/openclaw/jobs',
    core: true,
    handle: behind(world, { who: 'admin', rate: 'admin', wording: 'jobs' }, ({ query }, _params, tenant) => {
      const failed = (status: number, error: string) => json(status, { ok: false, error })
      if (world.settings.multiTenant && !tenant.named) return failed(403, 'tenant_required')
      if (!isValid(query)) return failed(400, 'jobs_query_invalid')
      if (world.settings.host === 'old') return failed(501, 'jobs_host_contract_unsupported')
      const page = pageOf(query, { limit: 50, maxLimit: 200, maxOffset: 10_000 })
      const all = jobViews(world.life())
      // Everything that runs here was triggered, and triggers belong to the default tenant.
      const mine = tenant.id === 'default' ? all : []
      const fitting = selectJobs(mine, query)
      const jobs = fitting.slice(page.offset, page.offset + page.limit).map((job) => {
        const { execution_error, previewable_outputs_count, preview_output, ...shown } = job
        return shown
      })
      const warnings = page.warnings.map(({ code, field, normalized }) => ({ code, field, normalized }))
      return json(200, {
        ok: true,
        contract_version: 1,
        jobs,
        pagination: {
          limit: page.limit,
          offset: page.offset,
          warnings,
          total: fitting.length,
          has_more: page.offset + jobs.length < fitting.length,
        },
        source: { adapter: 'comfy_execution.jobs', authority: 'in_process' },
        scan: {
          window: 10000,
          examined: all.length,
          excluded: all.length - mine.length,
          malformed: 0,
          truncated: false,
        },
      })
    }),
  },
]

function isValid(query: URLSearchParams): boolean {
  const status = query.get('status')
  const [by, order] = [query.get('sort_by'), query.get('sort_order')]
  return (
    [...query.keys()].every((key) => known.includes(key)) &&
    (status === null || jobStates.some((state) => state === status)) &&
    (by === null || by === 'created_at' || by === 'execution_duration') &&
    (order === null || order === 'asc' || order === 'desc')
  )
}
