import {
  Subject,
  bufferCount,
  catchError,
  concatMap,
  delay,
  filter,
  from,
  interval,
  lastValueFrom,
  map,
  merge,
  of,
  scan,
  take,
  throwError,
  timeout,
  toArray,
} from 'rxjs'

export default async () => {
  const sums = await lastValueFrom(
    from([1, 2, 3, 4]).pipe(
      filter((n) => n % 2 === 0),
      scan((a, b) => a + b),
      toArray(),
    ),
  )
  const timed = await lastValueFrom(
    interval(2).pipe(
      take(3),
      concatMap((n) => of(n * 10).pipe(delay(2))),
      bufferCount(2),
      toArray(),
    ),
  )
  const subject = new Subject()
  const seen = []
  merge(subject, of('first'))
    .pipe(map((text) => text.toUpperCase()))
    .subscribe((text) => seen.push(text))
  subject.next('second')
  const late = await lastValueFrom(
    interval(1_000).pipe(
      timeout(5),
      catchError((error) => of(error.name)),
    ),
  )
  const failed = await lastValueFrom(
    throwError(() => new RangeError('no')).pipe(catchError((error) => of(error.message))),
  )
  return [sums, timed, seen, late, failed]
}
