import type { Architecture } from '../../kernel/architecture.ts'
import type { Libc } from '../../kernel/libc.ts'
import type { SyscallName } from '../../kernel/syscalls.ts'
import type { Attempt } from '../../wire/probe.ts'

const EPERM = 1
const EACCES = 13
const ENOSYS = 38
const AT_FDCWD = -100
const O_CREAT = 0o100
const SIGCHLD = 17
const CLONE_SIGHAND = 0x800
const AF_MAX = 46
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const PR_SET_PDEATHSIG = 1
const F_SETOWN = 8
const RLIMIT_NOFILE = 7
/** No flag of any call here: a kernel that looks at it says EINVAL and does nothing. */
const NO_SUCH = 0x7fff

type Argument = number | bigint
type Try = readonly [call: SyscallName, args: readonly Argument[], object?: string]

/**
 * Prepares what native code of an attacker would try, as system calls. Each has arguments by which the kernel itself does nothing
 * should a call get through: no pointer, no such descriptor, no such flag, signal 0. So every answer but a refusal says
 * that the wall has a hole, and trying does no harm. Prepared before a cell locks itself in, because addresses of memory
 * can be had no more afterwards; the function that is returned tries.
 */
export function prepareNative(libc: Libc, architecture: Architecture, neighbour: number): () => readonly Attempt[] {
  const text = (path: string): bigint => libc.address(keep(Buffer.from(`${path}\0`)))
  const passwd = text('/etc/passwd')
  const environ = text(`/proc/${neighbour}/environ`)
  const draft = text('/nowhere/cloister-probe')
  const scratch = libc.address(keep(Buffer.alloc(512)))

  const tries: readonly Try[] = [
    ...ways('open', [passwd, 0], '/etc/passwd'),
    ['openat', [AT_FDCWD, passwd, 0], '/etc/passwd'],
    ['openat', [AT_FDCWD, environ, 0], 'environment of another process'],
    ['openat', [AT_FDCWD, text('/proc/self/mem'), 0], '/proc/self/mem'],
    ['openat', [AT_FDCWD, text('/'), 0], 'the root folder'],
    ['openat', [AT_FDCWD, draft, O_CREAT], 'a new file'],
    ['openat2', [AT_FDCWD, passwd, scratch, 24], '/etc/passwd'],
    ...ways('creat', [0, 0]),
    ...ways('stat', [passwd, scratch]),
    ...ways('newfstatat', [AT_FDCWD, passwd, scratch, 0]),
    ['statx', [AT_FDCWD, passwd, 0, 0, scratch]],
    ...ways('access', [passwd, 0]),
    ['faccessat', [AT_FDCWD, passwd, 0]],
    ['readlinkat', [AT_FDCWD, 0, 0, 0]],
    ['getdents64', [-1, 0, 0]],
    ['getcwd', [0, 0]],
    ['chdir', [0]],
    ['truncate', [0, 0]],
    ...ways('mkdir', [0, 0]),
    ['mkdirat', [AT_FDCWD, 0, 0]],
    ...ways('unlink', [0]),
    ['unlinkat', [AT_FDCWD, 0, 0]],
    ...ways('rename', [0, 0]),
    ['renameat2', [AT_FDCWD, 0, AT_FDCWD, 0, NO_SUCH]],
    ...ways('symlink', [0, 0]),
    ...ways('link', [0, 0]),
    ...ways('chmod', [0, 0]),
    ['fchmodat', [AT_FDCWD, 0, 0]],
    ...ways('chown', [0, 0, 0]),
    ['utimensat', [AT_FDCWD, 0, 1, 0]],
    ['mknodat', [AT_FDCWD, 0, 0, 0]],
    ['memfd_create', [0, NO_SUCH]],
    ['memfd_secret', [NO_SUCH]],
    ['open_by_handle_at', [-1, 0, 0]],
    ['name_to_handle_at', [-1, 0, 0, 0, 0]],
    ['execve', [0, 0, 0]],
    ['execveat', [-1, 0, 0, 0, 0]],
    // A signal table without shared memory is refused by the kernel; a filter refuses before.
    ['clone', [CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0], 'a process'],
    ['clone3', [0, 0]],
    ['socketpair', [0, 0, 0, 0]],
    ['connect', [-1, 0, 0]],
    ['bind', [-1, 0, 0]],
    ['listen', [-1, 0]],
    ['accept4', [-1, 0, 0, 0]],
    ['sendto', [-1, 0, 0, 0, 0, 0]],
    ['sendmsg', [-1, 0, 0]],
    ['recvmsg', [-1, 0, 0]],
    ['kill', [neighbour, 0], 'another process'],
    ['tkill', [neighbour, 0], 'another process'],
    ['tgkill', [neighbour, neighbour, 0], 'another process'],
    ['rt_sigqueueinfo', [neighbour, 0, 0], 'another process'],
    ['rt_tgsigqueueinfo', [neighbour, neighbour, 0, 0], 'another process'],
    ['pidfd_open', [neighbour, 0], 'another process'],
    ['pidfd_getfd', [-1, 0, 0]],
    ['pidfd_send_signal', [-1, 0, 0, 0]],
    ['ptrace', [NO_SUCH, neighbour, 0, 0], 'another process'],
    ['process_vm_readv', [neighbour, 0, 0, 0, 0, 0], 'another process'],
    ['process_vm_writev', [neighbour, 0, 0, 0, 0, 0], 'another process'],
    ['process_madvise', [-1, 0, 0, 0, 0]],
    ['kcmp', [neighbour, neighbour, NO_SUCH, 0, 0], 'another process'],
    ['clock_gettime', [(~neighbour << 3) | 2, scratch], 'clock of another process'],
    ['prlimit64', [neighbour, RLIMIT_NOFILE, 0, scratch], 'limits of another process'],
    ['prlimit64', [0, RLIMIT_NOFILE, 1, 0], 'a new limit'],
    ['setrlimit', [RLIMIT_NOFILE, 0]],
    ['fcntl', [-1, F_SETOWN, neighbour], 'signals to another process'],
    ['ioctl', [-1, 0x5412, 0], 'typing into a terminal'],
    ['wait4', [-1, 0, NO_SUCH, 0]],
    ['setpriority', [NO_SUCH, 0, 0]],
    ['sched_setaffinity', [0, 0, 0]],
    ['sched_setscheduler', [0, NO_SUCH, 0]],
    ['ioprio_set', [NO_SUCH, 0, 0]],
    ['migrate_pages', [neighbour, 0, 0, 0]],
    ['move_pages', [neighbour, 0, 0, 0, 0, NO_SUCH]],
    ['setuid', [0]],
    ['setgid', [0]],
    ['setresuid', [-1, -1, -1]],
    ['setgroups', [-1, 0]],
    ['capget', [0, 0]],
    ['capset', [0, 0]],
    ['prctl', [PR_SET_PDEATHSIG, 99]],
    ['seccomp', [NO_SUCH, 0, 0]],
    ['landlock_create_ruleset', [0, 0, 1]],
    ['personality', [0xffff_ffff]],
    ['mount', [0, 0, 0, 0, 0]],
    ['umount2', [0, 0]],
    ['pivot_root', [0, 0]],
    ['chroot', [0]],
    ['unshare', [1]],
    ['setns', [-1, 0]],
    ['fsopen', [0, 0]],
    ['open_tree', [-1, 0, 0]],
    ['move_mount', [-1, 0, -1, 0, 0]],
    ['io_uring_setup', [0, 0]],
    ['io_uring_enter', [-1, 0, 0, 0, 0, 0]],
    ['io_uring_register', [-1, 0, 0, 0]],
    ['bpf', [-1, 0, 0]],
    ['perf_event_open', [0, 0, -1, -1, 0]],
    ['userfaultfd', [NO_SUCH]],
    ['keyctl', [NO_SUCH, 0, 0, 0, 0]],
    ['add_key', [0, 0, 0, 0, 0]],
    ['request_key', [0, 0, 0, 0]],
    ['shmget', [0, 0, 0]],
    ['msgget', [0x0bad_cafe, 0]],
    ['semget', [0x0bad_cafe, 0, 0]],
    ['mq_open', [0, 0, 0, 0]],
    ['inotify_init1', [-1]],
    ['fanotify_init', [-1, -1]],
    ['init_module', [0, 0, 0]],
    ['finit_module', [-1, 0, 0]],
    ['kexec_load', [0, 0, 0, -1]],
    ['reboot', [0, 0, 0, 0]],
    ['swapon', [0, 0]],
    ['acct', [1]],
    ['quotactl', [-1, 0, 0, 0]],
    ['syslog', [-1, 0, 0]],
    ['settimeofday', [1, 1]],
    ['adjtimex', [1]],
    ['sethostname', [0, -1]],
    ['uname', [0]],
  ]
  return () => [
    ...tries.map((one) => judge(libc, architecture, one)),
    trySockets(libc, architecture),
    ...tryFork(libc, architecture),
  ]

  /** A call that newer architectures do not have; there is nothing to try on them. */
  function ways(call: SyscallName, args: readonly Argument[], object?: string): readonly Try[] {
    if (architecture.number(call) === undefined) return []
    return [object === undefined ? [call, args] : [call, args, object]]
  }
}

/** Folders that every machine has and an empty file tree does not. */
const FOLDERS = ['/bin', '/boot', '/dev', '/etc', '/home', '/mnt', '/proc', '/root', '/run', '/sys', '/tmp', '/var']

/** Which of them a process sees. Asked before it locks itself in, when asking is not refused yet. */
export function findFolders(libc: Libc, architecture: Architecture): readonly string[] {
  const look = architecture.number('faccessat') ?? -1
  return FOLDERS.filter((path) => {
    const address = libc.address(keep(Buffer.from(`${path}\0`)))
    return libc.syscall(look, AT_FDCWD, address, 0) === 0
  })
}

/** Buffers whose addresses the kernel is given must outlive the call. */
const kept: Buffer[] = []
function keep(buffer: Buffer): Buffer {
  kept.push(buffer)
  return buffer
}

function judge(libc: Libc, architecture: Architecture, [call, args, object]: Try): Attempt {
  const name = object === undefined ? call : `${call}: ${object}`
  const result = libc.syscall(architecture.number(call) ?? -1, ...args)
  const errno = result < 0 ? libc.errno() : 0
  return attempt(name, result, errno)
}

function attempt(name: string, result: number, errno: number): Attempt {
  const refused = result < 0 && (errno === EPERM || errno === EACCES || errno === ENOSYS)
  return { name, from: 'native', refused, detail: result < 0 ? `errno ${errno}` : `returned ${result}` }
}

/** Every family of sockets that the kernel could know, as streams and as datagrams. */
function trySockets(libc: Libc, architecture: Architecture): Attempt {
  const open: number[] = []
  for (let family = 1; family < AF_MAX; family += 1) {
    for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
      const result = libc.syscall(architecture.number('socket') ?? -1, family, type, 0)
      if (result >= 0) libc.close(result)
      if (result >= 0 || libc.errno() !== EPERM) open.push(family)
    }
  }
  const families = [...new Set(open)]
  const detail = families.length === 0 ? `${AF_MAX - 1} families` : `families ${families.join(' ')}`
  return { name: 'socket: every family', from: 'native', refused: families.length === 0, detail }
}

/** A child that comes to be is ended at once, before it does anything. Newer architectures have only `clone`. */
function tryFork(libc: Libc, architecture: Architecture): readonly Attempt[] {
  const number = architecture.number('fork')
  if (number === undefined) return []
  const result = libc.syscall(number)
  if (result === 0) libc.syscall(architecture.number('exit_group') ?? -1, 0)
  return [attempt('fork', result, result < 0 ? libc.errno() : 0)]
}
