import type { Decoder, ErrorMode } from './decoder.ts'
import { Big5, EucJp, EucKr, ShiftJis } from './east-asian.ts'
import { Gb18030 } from './gb18030.ts'
import { Iso2022Jp } from './iso-2022-jp.ts'
import { MultiByteDecoder } from './multi-byte.ts'
import { SingleByteDecoder } from './single-byte.ts'
import { Utf16Decoder } from './utf16.ts'

/** A decoder of any encoding but UTF-8. */
export function createLegacyDecoder(encoding: string, mode: ErrorMode): Decoder {
  switch (encoding) {
    case 'utf-16le':
      return new Utf16Decoder('little-endian', mode)
    case 'utf-16be':
      return new Utf16Decoder('big-endian', mode)
    case 'gbk':
    case 'gb18030':
      return new MultiByteDecoder(new Gb18030(), mode)
    case 'big5':
      return new MultiByteDecoder(new Big5(), mode)
    case 'euc-jp':
      return new MultiByteDecoder(new EucJp(), mode)
    case 'iso-2022-jp':
      return new MultiByteDecoder(new Iso2022Jp(), mode)
    case 'shift_jis':
      return new MultiByteDecoder(new ShiftJis(), mode)
    case 'euc-kr':
      return new MultiByteDecoder(new EucKr(), mode)
    default:
      return new SingleByteDecoder(encoding, mode)
  }
}
