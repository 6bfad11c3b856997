import { bytes } from '../core/quantity.ts'

/** Largest payload that the host sends: all code of a run, or its input. The policy schema keeps both below it. */
export const TO_CELL_PAYLOAD_MAX = bytes(32 << 20)
/** Largest payload that a cell may send: a result. The policy schema keeps `outputBytes` below it. */
export const FROM_CELL_PAYLOAD_MAX = bytes(16 << 20)
/** Longest payload of one capability call: its operation's arguments as JSON. */
export const CALL_PAYLOAD_MAX = bytes(2 << 20)
/** Longest log message; the guest runtime cuts before, a cell that sends more breaks the protocol. */
export const LOG_MESSAGE_MAX = bytes(64 << 10)
/** Longest error text: name, message and stack together, as JSON. */
export const ERROR_PAYLOAD_MAX = bytes(64 << 10)
/** Longest name of a capability operation. */
export const OPERATION_MAX = bytes(64)
