import { randomUUID } from 'node:crypto'
import { imageSize } from 'image-size'
import { describe, expect, test } from 'vitest'
import { benchTemplates, type Ear, failing, type Heard, image, listen, openStage, pick, save, slowly } from './kit.ts'
import { fieldDifferences, recording, script } from './transcript.ts'

const isEnd = ({ type, data }: Heard) => type === 'executing' && pick(data, 'node') === null
const flags = { type: 'feature_flags', data: { supports_preview_metadata: true } }
const host = (name: string) => (name.endsWith('0.3.64') ? 'old' : 'new')

const same = async (ear: Ear, name: string, socket: string) => {
  const recorded = recording(name, socket)
  // Two sockets are two connections: the last message of one may come after that of the other.
  await ear.hear(() => ear.heard.length >= recorded.length)
  expect(script(ear.heard)).toEqual(script(recorded))
  expect(fieldDifferences(recorded, ear.heard)).toEqual([])
}

const twoPictures = { ...image, inputs: { ...image.inputs, batch_size: 2 } }
const steps3 = { '1': twoPictures, '3': slowly(3), '2': save('3') }
const painted = { '1': twoPictures, '2': save('1') }

describe('the owner of a job and an observer hear what was recorded', () => {
  test.for([
    { name: 'ws-own-client-legacy-preview', first: painted, workflow: steps3, announce: false },
    { name: 'ws-own-client-legacy-preview__comfy-0.3.64', first: null, workflow: steps3, announce: false },
    { name: 'ws-own-client-preview-metadata', first: painted, workflow: steps3, announce: true },
    { name: 'ws-own-client-preview-metadata__comfy-0.3.64', first: painted, workflow: steps3, announce: true },
    {
      name: 'ws-execution-error',
      first: null,
      workflow: { '1': image, '4': failing, '2': save('4') },
      announce: false,
    },
    {
      name: 'ws-execution-error__comfy-0.3.64',
      first: null,
      workflow: { '1': image, '4': failing, '2': save('4') },
      announce: false,
    },
  ])('$name', async ({ name, first, workflow, announce }) => {
    await using stage = await openStage({ host: host(name) })
    if (first !== null) await stage.queue(first)
    await stage.sim.control.idle()
    const client_id = randomUUID()
    await using owner = await listen(stage.sim, client_id)
    await using observer = await listen(stage.sim)
    if (announce) {
      owner.send(flags)
      await owner.hear((message) => message.type === 'feature_flags')
    }
    await stage.queue(workflow, { client_id })
    await owner.hear(isEnd)
    await same(owner, name, 'socket_A_owner')
    await same(observer, name, 'socket_B_observer')
  })

  test.for(['ws-cached-rerun', 'ws-cached-rerun__comfy-0.3.64'])('%s', async (name) => {
    await using stage = await openStage({ host: host(name) })
    const workflow = { '1': image, '2': save('1', 'cachetest') }
    await stage.queue(workflow)
    await stage.sim.control.idle()
    const client_id = randomUUID()
    await using owner = await listen(stage.sim, client_id)
    await stage.queue(workflow, { client_id })
    await owner.hear(isEnd)
    await same(owner, name, 'messages')
  })

  test('ws-interrupted', async () => {
    await using stage = await openStage({ stepMs: 20 })
    await stage.queue({ '1': image, '2': save('1') })
    await stage.sim.control.idle()
    const client_id = randomUUID()
    await using owner = await listen(stage.sim, client_id)
    await using observer = await listen(stage.sim)
    const slow = { '1': image, '3': slowly(40), '2': save('3') }
    const id = await stage.queue(slow, { client_id })
    await owner.hear((message) => message.type === 'binary 1')
    stage.sim.control.pause()
    const [second, third] = [await stage.queue(slow, { client_id }), await stage.queue(slow, { client_id })]
    await stage.call('POST', '/queue', { delete: [second] })
    await stage.call('POST', `/api/jobs/${third}/cancel`, {})
    await stage.call('POST', '/queue', { clear: true })
    await stage.call('POST', '/interrupt', { prompt_id: id })
    await owner.hear(isEnd)
    await same(owner, 'ws-interrupted', 'socket_A_owner')
    await same(observer, 'ws-interrupted', 'socket_B_observer')
  })

  test('ws-trigger-job-observer-and-adopted-client-id', async () => {
    const name = 'ws-trigger-job-observer-and-adopted-client-id'
    await using stage = await openStage({ templates: benchTemplates })
    await stage.fire('bench_slow', { steps: 1, color: 1 })
    await stage.sim.control.busy()
    stage.sim.control.pause()
    await using observer = await listen(stage.sim)
    stage.sim.control.resume()
    await stage.sim.control.idle()

    stage.sim.control.pause()
    await stage.fire('bench_slow', { steps: '4', seconds: '2' })
    stage.sim.control.resume()
    await stage.sim.control.busy()
    stage.sim.control.pause()
    await observer.hear(({ data }) => pick(data, 'status.exec_info.queue_remaining') === 1 && observer.heard.length > 3)
    const { body } = await stage.call('GET', '/queue')
    await using adopted = await listen(stage.sim, String(pick(body, 'queue_running.0.3.client_id')))
    adopted.send(flags)
    await adopted.hear((message) => message.type === 'feature_flags')
    stage.sim.control.resume()
    await adopted.hear((message) => isEnd(message))
    await same(adopted, name, 'adopted')
    await same(observer, name, 'observer')
  })

  test('ws-approve-observer', async () => {
    await using stage = await openStage({ approvalByDefault: true })
    const { body } = await stage.call('POST', '/openclaw/triggers/fire', { template_id: 'story' })
    await using observer = await listen(stage.sim)
    await stage.call('POST', `/openclaw/approvals/${pick(body, 'approval_id')}/approve`, {})
    await observer.hear(() => observer.heard.length === 4)
    await same(observer, 'ws-approve-observer', 'messages')
  })
})

test('a second socket with the same client id makes the first one deaf, even after it has left', async () => {
  await using stage = await openStage()
  await using older = await listen(stage.sim, 'twin')
  const newer = await listen(stage.sim, 'twin')
  await stage.run('story')
  await newer.hear(({ type, data }) => type === 'status' && pick(data, 'sid') === undefined)
  await newer.close()
  await using other = await listen(stage.sim)
  await stage.run('note')
  await other.hear(() => other.heard.length === 4)
  expect(script(older.heard)).toEqual(['status 0 with sid'])
})

test('when the deaf socket closes, its clean-up silences the newer one too', async () => {
  await using stage = await openStage()
  const older = await listen(stage.sim, 'twin')
  await using newer = await listen(stage.sim, 'twin')
  await using other = await listen(stage.sim)
  await older.close()
  await stage.run('story')
  await other.hear(() => other.heard.length === 4)
  expect(newer.heard).toHaveLength(1)
})

test('when the status for "done" comes, the history is there', async () => {
  await using stage = await openStage()
  await using observer = await listen(stage.sim)
  const id = await stage.fire('story')
  await observer.hear(({ data }) => observer.heard.length > 1 && pick(data, 'status.exec_info.queue_remaining') === 0)
  expect(pick((await stage.call('GET', `/history/${id}`)).body, `${id}.status.completed`)).toBe(true)
})

test('previews are JPEG pictures', async () => {
  await using stage = await openStage()
  await using owner = await listen(stage.sim, 'me')
  await stage.queue(steps3, { client_id: 'me' })
  const preview = await owner.hear((message) => message.type === 'binary 1')
  expect(pick(preview.data, 'format')).toBe(1)
  expect(imageSize(pick(preview.data, 'image') as Buffer)).toMatchObject({ type: 'jpg', width: 96, height: 96 })
})
