import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from 'web-streams-polyfill'

/** The Streams standard, from a library that is kept in step with it. */
const streams = {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
}

const { defineProperty, getPrototypeOf, setPrototypeOf } = Object

// The bundler may have renamed a class.
for (const [name, value] of Object.entries(streams)) defineProperty(value, 'name', { value: name, configurable: true })

// The library makes its iterators without the language's own prototype of them.
const iterator = getPrototypeOf(new ReadableStream().values()) as { [Symbol.asyncIterator]?: unknown }
setPrototypeOf(iterator, getPrototypeOf(getPrototypeOf(async function* () {}.prototype)) as object)
delete iterator[Symbol.asyncIterator]
defineProperty(iterator, Symbol.toStringTag, { value: 'ReadableStream AsyncIterator', configurable: true })

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
}
