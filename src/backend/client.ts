import { chatCalls } from './calls-chat.ts'
import { decideCalls } from './calls-decide.ts'
import { infoCalls } from './calls-info.ts'
import { jobCalls } from './calls-jobs.ts'
import { mediaCalls } from './calls-media.ts'
import { createHttp, type HttpDeps } from './http.ts'

export type Backend = ReturnType<typeof infoCalls> &
  ReturnType<typeof jobCalls> &
  ReturnType<typeof decideCalls> &
  ReturnType<typeof chatCalls> &
  ReturnType<typeof mediaCalls>

/**
 * ComfyUI with the OpenClaw pack, as typed calls. None of them throws for anything the backend or the network does:
 * the answer is a value, or a Failure that says whether the call may have taken effect. Nothing is retried here.
 */
export function createBackend(deps: HttpDeps): Backend {
  const http = createHttp(deps)
  return { ...infoCalls(http), ...jobCalls(http), ...decideCalls(http), ...chatCalls(http), ...mediaCalls(http) }
}
