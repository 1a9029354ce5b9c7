import { open } from 'node:fs/promises'
import type { ByteRange } from './range.ts'

// Small pieces: with larger ones the memory of a 50 MB transfer grows faster than it is collected.
const pieceBytes = 16 * 1024

/** A range of a file as a stream that reads as fast as the other side takes it. The file is held open, so that it can
 *  be removed meanwhile. Rejects when there is no file. The stream has to be read to its end or cancelled. */
export const readFileRange = async (path: string, { start, end }: ByteRange): Promise<ReadableStream<Uint8Array>> => {
  const handle = await open(path, 'r')
  let at = start
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const piece = new Uint8Array(Math.min(pieceBytes, end - at))
          const { bytesRead } = at < end ? await handle.read(piece, 0, piece.length, at) : { bytesRead: 0 }
          at += bytesRead
          if (bytesRead > 0) controller.enqueue(piece.subarray(0, bytesRead))
          else if (at < end) throw new Error('the file is shorter than it was')
          if (at < end) return
          await handle.close()
          controller.close()
        } catch (error) {
          await handle.close()
          throw error
        }
      },
      cancel: () => handle.close(),
    },
    { highWaterMark: 0 },
  )
}
