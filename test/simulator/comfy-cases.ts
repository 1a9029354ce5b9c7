import { failing, image, pick, type Stage, save, slowly } from './kit.ts'
import type { Case } from './replay.ts'

const paint = { '1': image, '2': save('1') }
const slow = { '1': image, '3': slowly(40), '2': save('3') }
const client = { client_id: '7c35f3b6-a1ab-47fc-86ac-350bc50b2de8' }
const traced = { ...client, extra_data: { openclaw: { trace_id: 'trace-example', tenant_id: 'default' } } }
const uncached = { options: { cache: false } }
const nobody = '00000000-0000-4000-8000-000000000000'

const done = async (stage: Stage, workflow: object, more?: object) => {
  const id = await stage.queue(workflow, more)
  await stage.sim.control.idle()
  return id
}

/** One job that stays in its first step, and as many behind it as asked; all ids in order. */
const busy = async (stage: Stage, behind = 0) => {
  const ids = [await stage.queue(slow, traced)]
  await stage.sim.control.busy()
  stage.sim.control.pause()
  for (let i = 0; i < behind; i++) ids.push(await stage.queue(slow, client))
  return ids
}

const interrupted = async (stage: Stage) => {
  // The image comes from the cache of the run before, as in the recording.
  await done(stage, paint)
  const [id] = await busy(stage)
  await stage.call('POST', '/interrupt')
  await stage.sim.control.idle()
  return id
}

/** One of each: cancelled, failed, completed; newest first in the lists. */
const past = async (stage: Stage) => {
  await done(stage, paint, client)
  await done(stage, { '1': image, '4': failing, '2': save('4') }, client)
  const [id] = await busy(stage)
  await stage.call('POST', '/interrupt')
  await stage.sim.control.idle()
  return id
}

const upload = async ({ sim }: Stage, bytes: number) => {
  const form = new FormData()
  form.set('image', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), 'photo.png')
  form.set('subfolder', bytes === 1 ? 'chat' : '')
  await fetch(`${sim.url}/upload/image`, { method: 'POST', body: form })
}

const plain = (...names: readonly string[]): Case[] => names.map((name) => ({ sample: `comfy-${name}` }))

const withId = (
  name: string,
  prepare: (stage: Stage) => Promise<string | undefined>,
  more: Partial<Case> = {},
): Case => ({
  sample: `comfy-${name}`,
  prepare,
  ...more,
})

const twoPictures = (stage: Stage) =>
  done(stage, { '1': { ...image, inputs: { ...image.inputs, batch_size: 2 } }, '3': slowly(3), '2': save('3') }, client)
const success = async (stage: Stage) => {
  await done(stage, { '1': { ...image, inputs: { ...image.inputs, batch_size: 2 } }, '2': save('1') })
  return twoPictures(stage)
}
const cached = async (stage: Stage) => {
  await done(stage, paint, client)
  return done(stage, paint, client)
}
const failed = (stage: Stage) => done(stage, { '1': image, '4': failing, '2': save('4') }, client)
const ending = (class_type: string, inputs: object) => (stage: Stage) =>
  done(stage, { '1': image, '2': { class_type, inputs } })

export const comfyCases: readonly Case[] = [
  ...plain('api-interrupt-alias', 'interrupt-global-idle', 'interrupt-pending-noop'),
  withId('interrupt-running__comfy-0.3.64', async (stage) => (await busy(stage))[0]),

  ...plain('api-job-404', 'api-jobs-badstatus', 'api-jobs-cancel-unknown', 'api-jobs-cancel-nonuuid'),
  ...plain('api-jobs-cancel-batch-invalid', 'api-jobs-cancel-batch-noop', 'api-jobs-cancel-batch-notlist'),
  ...plain('api-jobs-cancel-unsupported__comfy-0.3.64', 'api-jobs-cancel-batch-unsupported__comfy-0.3.64'),
  ...plain('api-jobs-get-unsupported__comfy-0.3.64'),
  withId('api-job-after-cancel-pending', async (stage) => {
    const [, id = ''] = await busy(stage, 1)
    await stage.call('POST', `/api/jobs/${id}/cancel`, {})
    return id
  }),
  withId('api-job-cancelled-running', interrupted),
  withId('api-job-completed', cached),
  withId('api-job-failed', failed),
  withId('api-job-pending', async (stage) => (await busy(stage, 1))[1]),
  withId('api-job-running', async (stage) => (await busy(stage))[0]),
  withId(
    'api-jobs-busy',
    async (stage) => {
      await done(stage, paint, client)
      await failed(stage)
      await busy(stage, 1)
      return undefined
    },
    uncached,
  ),
  withId(
    'api-jobs-list',
    async (stage) => {
      await done(stage, paint, client)
      await past(stage)
      return undefined
    },
    uncached,
  ),
  withId('api-jobs-cancel-finished', (stage) => done(stage, paint)),
  withId('api-jobs-cancel-pending', async (stage) => (await busy(stage, 1))[1]),
  withId('api-jobs-cancel-running', async (stage) => (await busy(stage))[0]),

  ...plain('api-prompt-get-idle', 'prompt-get-idle', 'features', 'features__comfy-0.3.64'),
  withId('prompt-get-busy', async (stage) => (await busy(stage, 2))[0]),
  ...plain('system-stats', 'system-stats__comfy-0.3.64', 'object-info-EmptyImage', 'object-info-unknown'),
  ...plain('origin-mismatch', 'sec-fetch-cross-site', 'sec-fetch-cross-site__comfy-0.3.64'),

  ...plain('history-unknown', 'history-delete', 'queue-clear', 'queue-idle'),
  withId('history-after-delete', async (stage) => {
    const id = await done(stage, paint)
    await stage.call('POST', '/history', { delete: [id] })
    return id
  }),
  withId('history-of-deleted-pending', async (stage) => {
    const [, id] = await busy(stage, 1)
    await stage.call('POST', '/queue', { delete: [id] })
    return id
  }),
  withId('history-success-images', success),
  withId('history-success-images__comfy-0.3.64', success),
  withId('history-success-cached-rerun', cached),
  withId('history-success-cached-rerun__comfy-0.3.64', cached),
  withId('history-error', failed),
  withId('history-error__comfy-0.3.64', failed),
  withId('history-interrupted', interrupted),
  withId('history-interrupted__comfy-0.3.64', interrupted),
  withId('history-list-max1', twoPictures),
  withId('history-loadimage-subfolder', async (stage) => {
    await upload(stage, 1)
    const load = { class_type: 'LoadImage', inputs: { image: 'chat/photo.png' } }
    return done(stage, { '1': load, '2': save('1', 'i2i') })
  }),
  withId('history-preview-temp', ending('PreviewImage', { images: ['1', 0] })),
  withId('history-animated-webp', ending('SaveAnimatedWEBP', { images: ['1', 0], filename_prefix: 'anim', fps: 6 })),
  withId('history-savevideo', ending('SaveVideo', { video: ['1', 0], filename_prefix: 'video/bench' })),

  ...plain('prompt-post-bad-id', 'prompt-post-bad-value', 'prompt-post-empty-body', 'prompt-post-malformed'),
  ...plain('prompt-post-missing-class-type', 'prompt-post-missing-class-type__comfy-0.3.64', 'prompt-post-no-outputs'),
  ...plain('prompt-post-ok', 'prompt-post-own-prompt-id', 'prompt-post-own-prompt-id__comfy-0.3.64'),
  ...plain('prompt-post-unknown-node', 'prompt-post-unknown-node__comfy-0.3.64', 'prompt-loadimage-missing-file'),
  withId('prompt-post-duplicate-prompt-id', async (stage) => {
    await stage.queue(paint, { prompt_id: '3973a35c-ab3d-419d-8af2-b5e41d2b992f' })
    return undefined
  }),

  withId('queue-busy', async (stage) => void (await busy(stage, 2))),
  withId('queue-busy__comfy-0.3.64', async (stage) => void (await busy(stage, 2))),
  withId('queue-delete-pending', async (stage) => (await busy(stage, 1))[1]),

  ...plain('upload-image-missing', 'upload-image-ok', 'upload-image-subfolder'),
  withId('upload-image-same-again', async (stage) => void (await upload(stage, 77))),
  withId('upload-image-name-clash', async (stage) => void (await upload(stage, 78))),

  ...plain('view-bad-type', 'view-missing', 'view-no-filename', 'view-traversal-name', 'view-traversal-subfolder'),
  withId('view-ok', async (stage) => void (await fiveTimes(stage))),
  withId('view-preview-webp', async (stage) => void (await fiveTimes(stage))),
  withId('view-video', async (stage) => {
    await ending('SaveVideo', { video: ['1', 0], filename_prefix: 'video/bench' })(stage)
    return undefined
  }),
]

/** So that `bench_00005_.png` exists. */
async function fiveTimes(stage: Stage): Promise<void> {
  await done(stage, { '1': { ...image, inputs: { ...image.inputs, batch_size: 5 } }, '2': save('1') })
  const { body } = await stage.call('GET', `/history/${nobody}`)
  if (pick(body, nobody) !== undefined) throw new Error('a job nobody queued has a history')
}
