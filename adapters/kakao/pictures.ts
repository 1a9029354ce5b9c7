import type { MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { networkFault } from '../kit/http.ts'
import { jsonObject } from '../kit/webhook.ts'
import { hostOf, pictureDomain, trustedUrl } from './hosts.ts'
import type { SkillPayload } from './wire.ts'

const maxPictures = 10
const downloadTimeoutMs = 30_000

/** Whether the person sent a photo; then the utterance is only its address, no command and no link. */
export const isPhoto = ({ userRequest, flow }: SkillPayload): boolean =>
  userRequest.params?.media?.type === 'image' || flow?.trigger?.type === 'IMAGE_UPLOAD'

// The image plug-in hands over JSON text as the value of a block parameter of any name:
// {"secureUrls": "List(url, url)", …}.
const pluginUrls = (params: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.values(params).flatMap((value) => {
    if (typeof value !== 'string' || !value.includes('secureUrls')) return []
    const list = jsonObject(Buffer.from(value, 'utf8'))?.secureUrls
    const inside = typeof list === 'string' ? /^List\(([^)]*)\)$/.exec(list.trim())?.[1] : undefined
    return inside === undefined ? [] : inside.split(',').map((url) => url.trim())
  })

const urlsIn = (payload: SkillPayload): readonly string[] => {
  const { userRequest, action } = payload
  const photo = isPhoto(payload) ? [userRequest.params?.media?.url ?? userRequest.utterance ?? ''] : []
  return [...photo, ...pluginUrls(action?.params ?? {})].slice(0, maxPictures)
}

/** The pictures of a request, and the hosts of those that lie elsewhere than Kakao keeps pictures. */
export const picturesIn = (
  payload: SkillPayload,
  apiBase: string | undefined,
): { readonly media: readonly MediaRef[]; readonly refusedHosts: readonly string[] } => {
  const urls = urlsIn(payload)
  const isTrusted = (url: string): boolean => trustedUrl(url, pictureDomain, apiBase) !== null
  return {
    media: urls.filter(isTrusted).map((ref) => ({ kind: 'image', ref })),
    refusedHosts: urls.filter((url) => !isTrusted(url)).map(hostOf),
  }
}

/** Fetches a picture from Kakao's picture hosts, following no redirect. The signal and the deadline hold while the
 *  body is read, too; the caller bounds its bytes. Throws SendError: `rejected` for a foreign address or one that has
 *  expired, `unavailable` for trouble. */
export const makeDownload =
  (fetch: typeof globalThis.fetch, apiBase: string | undefined) =>
  async (media: MediaRef, signal: AbortSignal): Promise<Response> => {
    const url = trustedUrl(media.ref, pictureDomain, apiBase)
    if (url === null) throw new SendError('rejected', `pictures are not fetched from ${hostOf(media.ref)}`)
    const both = AbortSignal.any([signal, AbortSignal.timeout(downloadTimeoutMs)])
    const response = await fetch(url, { redirect: 'manual', signal: both }).catch((error: unknown) => {
      throw new SendError('unavailable', `could not fetch a picture: ${networkFault(error).code}`)
    })
    if (response.ok) return response
    await response.body?.cancel()
    const code = response.status >= 500 ? 'unavailable' : 'rejected'
    throw new SendError(code, `${url.hostname} answered ${response.status} for a picture`)
  }
