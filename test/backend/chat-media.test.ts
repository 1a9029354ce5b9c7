import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { backendAt, openHost, replay } from './host.ts'

const chatRoute = 'POST /openclaw/llm/chat'

describe('chat', () => {
  it('brings the text of the model, which may be empty', async () => {
    let text = 'Hello from the fake LLM.'
    await using host = await openHost({ [chatRoute]: () => ({ json: { ok: true, tenant_id: 'default', text } }) })
    const backend = backendAt(host.url)
    expect(await backend.chat({ system: 'be brief', userMessage: 'hi' })).toMatchObject({ ok: true, value: text })
    expect(JSON.parse(host.seen[0]?.body ?? '')).toEqual({
      system: 'be brief',
      user_message: 'hi',
      temperature: 0.7,
      max_tokens: 1024,
    })
    text = ''
    expect(await backend.chat({ userMessage: 'hi' })).toMatchObject({ ok: true, value: '' })
  })

  it.each([
    ['openclaw-llm-chat-provider-401', { kind: 'refused', code: 'provider_auth', status: 401 }],
    ['openclaw-llm-chat-provider-429', { kind: 'limited', code: 'provider_limited', retryAfterMs: 7000 }],
    ['openclaw-llm-chat-provider-503', { kind: 'refused', code: 'provider_unavailable' }],
    ['openclaw-llm-chat-provider-unreachable', { kind: 'refused', code: 'provider_unavailable' }],
    ['openclaw-llm-chat-no-token', { kind: 'denied', said: 'Invalid admin token.' }],
    ['openclaw-convenience-llm-chat-no-origin', { kind: 'denied', code: 'csrf_protection' }],
    ['openclaw-convenience-llm-chat-no-key', { kind: 'refused', code: 'llm_not_configured' }],
    ['openclaw-llm-chat-missing-message', { kind: 'refused', code: 'missing_user_message' }],
    ['openclaw-rate-limit-429', { kind: 'limited', code: 'rate_limit_exceeded', retryAfterMs: 3000 }],
  ])('tells the provider from the backend: %s', async (name, failure) => {
    await using host = await openHost({ [chatRoute]: replay(name) })
    expect(await backendAt(host.url).chat({ userMessage: 'hi' })).toMatchObject({
      ok: false,
      effect: 'none',
      ...failure,
    })
  })
})

describe('view', () => {
  const file = { filename: 'a &b.png', subfolder: 'x/y', type: 'output' } as const

  it('streams a file with its type and size', async () => {
    await using host = await openHost({
      'GET /view': { text: 'PNG!', headers: { 'content-type': 'image/png', 'content-length': '4' } },
    })
    const stop = new AbortController().signal
    const answer = await backendAt(host.url).view(file, { preview: { format: 'webp', quality: 80.4 }, signal: stop })
    if (!answer.ok) throw new Error(answer.detail)
    expect(answer.value.headers.get('content-type')).toBe('image/png')
    expect(answer.value.headers.get('content-length')).toBe('4')
    expect(await answer.value.text()).toBe('PNG!')
    expect(getEventListeners(stop, 'abort')).toHaveLength(0)
    expect(Object.fromEntries(host.seen[0]?.query ?? [])).toEqual({
      filename: 'a &b.png',
      subfolder: 'x/y',
      type: 'output',
      preview: 'webp;80',
    })
  })

  it.each([
    ['comfy-view-missing', { kind: 'missing', status: 404, code: null }],
    ['comfy-view-bad-type', { kind: 'refused', status: 400 }],
    ['comfy-view-traversal-subfolder', { kind: 'denied', status: 403 }],
  ])('is a failure when there is no such file: %s', async (name, failure) => {
    await using host = await openHost({ 'GET /view': replay(name) })
    expect(await backendAt(host.url).view(file)).toMatchObject({ ok: false, effect: 'none', ...failure })
  })

  it('does not begin with a file that announces too much, and stops one that turns out to be', async () => {
    let headers: Record<string, string> = { 'content-length': '100000' }
    await using host = await openHost({ 'GET /view': () => ({ text: 'x'.repeat(100_000), headers }) })
    const backend = backendAt(host.url)
    expect(await backend.view(file, { maxBytes: 99_999 })).toMatchObject({ ok: false, kind: 'too_large' })
    headers = { 'transfer-encoding': 'chunked' }
    const answer = await backend.view(file, { maxBytes: 99_999 })
    if (!answer.ok) throw new Error(answer.detail)
    await expect(answer.value.arrayBuffer()).rejects.toThrow('larger than allowed')
    const whole = await backend.view(file, { maxBytes: 100_000 })
    expect(whole.ok && (await whole.value.arrayBuffer()).byteLength).toBe(100_000)
  })

  it('fails when headers do not come, or the body stalls, but gives a slow reader all the time', async () => {
    let part: 'none' | 'half' | 'all' = 'none'
    await using host = await openHost({
      'GET /view': () => ({
        wild: (response) => {
          if (part === 'none') return
          response.writeHead(200, { 'content-length': '8' })
          response.write('half')
          if (part === 'all') response.end('more')
        },
      }),
    })
    const backend = backendAt(host.url, { timeoutMs: 60 })
    expect(await backend.view(file)).toMatchObject({ ok: false, kind: 'unanswered', effect: 'none' })
    part = 'half'
    const stalled = await backend.view(file)
    if (!stalled.ok) throw new Error(stalled.detail)
    await expect(stalled.value.text()).rejects.toThrow('stalled')
    part = 'all'
    const slow = await backend.view(file)
    if (!slow.ok) throw new Error(slow.detail)
    const reader = slow.value.body?.getReader()
    const read = async () => Buffer.from((await reader?.read())?.value ?? []).toString()
    let text = await read()
    // Longer than the limit: the time passes on our side, with everything already there.
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (let more = await read(); more !== ''; more = await read()) text += more
    expect(text).toBe('halfmore')
  })

  it('ends in the middle when the caller stops', async () => {
    const wild = (response: { write: (text: string) => void }) => response.write('some')
    await using host = await openHost({ 'GET /view': { wild } })
    const stop = new AbortController()
    const answer = await backendAt(host.url).view(file, { signal: stop.signal })
    if (!answer.ok) throw new Error(answer.detail)
    const text = answer.value.text()
    stop.abort()
    await expect(text).rejects.toThrow('stopped')
  })
})

describe('upload', () => {
  it('sends the bytes as multipart and says the name that ComfyUI gave', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await using host = await openHost({ 'POST /upload/image': replay('comfy-upload-image-subfolder') })
    const answer = await backendAt(host.url).upload({
      bytes: new Blob([bytes], { type: 'image/png' }),
      name: 'photo.png',
      subfolder: 'chat',
    })
    expect(answer).toMatchObject({
      ok: true,
      value: { name: 'photo.png', subfolder: 'chat', type: 'input', input: 'chat/photo.png' },
    })
    expect(host.seen[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(host.seen[0]?.body).toContain('name="image"; filename="photo.png"')
    expect(host.seen[0]?.body).toMatch(/name="subfolder"\r\n\r\nchat\r\n/)
    expect(host.seen[0]?.bytes.includes(bytes)).toBe(true)
  })

  it('is refused without a usable file', async () => {
    await using host = await openHost({ 'POST /upload/image': replay('comfy-upload-image-missing') })
    const answer = await backendAt(host.url).upload({ bytes: new Blob([]), name: 'x.png' })
    expect(answer).toMatchObject({ ok: false, kind: 'refused', status: 400, effect: 'none' })
  })
})
