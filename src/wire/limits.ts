import { bytes } from '../core/quantity.ts'

/**
 * Largest payload that the host sends: all code of a run as JSON, or its input. The policy schema keeps `codeBytes` below
 * a sixth of it, which is the most that JSON adds to a byte, and `inputBytes` far below.
 */
export const TO_CELL_PAYLOAD_MAX = bytes(100 << 20)
/**
 * Largest payload that a cell may send: a result. The guest runtime keeps a result within `outputBytes` UTF-16 units, each
 * of which is at most three bytes; the policy schema keeps `outputBytes` below a third of this.
 */
export const FROM_CELL_PAYLOAD_MAX = bytes((24 << 20) + 1_024)
/**
 * Longest payload of one capability call: its operation's arguments as JSON. The guest runtime refuses more than a third of
 * it in UTF-16 units (CALL_LENGTH_MAX of sandbox-api/bridge.ts).
 */
export const CALL_PAYLOAD_MAX = bytes(3 * ((2 << 20) + (64 << 10)))
/** Longest log message; the guest runtime cuts before, a cell that sends more breaks the protocol. */
export const LOG_MESSAGE_MAX = bytes(64 << 10)
/**
 * Longest error text: name, message and stack together, as JSON. The guest runtime cuts them to 12,488 UTF-16 units, each of
 * which is at most six bytes.
 */
export const ERROR_PAYLOAD_MAX = bytes(128 << 10)
/**
 * Longest message between a debugger and a cell that is inspected, and longest profile of a run. What is longer the cell does
 * not send.
 */
export const INSPECTION_PAYLOAD_MAX = bytes(24 << 20)
/** Longest name of a capability operation. */
export const OPERATION_MAX = bytes(64)
