// A backend without a shell: answers are functions a test sets, events are sent by hand. Never part of the product.
import {
  type Backend,
  type CommandName,
  defaultPreferences,
  type EventName,
  type Preferences,
  provideBackend,
} from "../ipc/backend";
import type { Commands, ErrorCode, Events, Failure } from "../ipc/contract";

type Answer<K extends CommandName> = (
  request: Commands[K]["request"],
) => Commands[K]["response"] | Promise<Commands[K]["response"]>;

export class MemoryBackend implements Backend {
  readonly calls: Array<{ name: CommandName; request: unknown }> = [];
  readonly copied: string[] = [];
  saved: Preferences = { ...defaultPreferences };

  // Keyed by the name that fixes its type, which a Map cannot say.
  private readonly answers = new Map<CommandName, unknown>();
  private readonly handlers = new Map<EventName, Set<(payload: never) => void>>();

  /** Sets what a command answers. A thrown failure is a rejected call. */
  answer<K extends CommandName>(name: K, answer: Answer<K>): this {
    this.answers.set(name, answer);
    return this;
  }

  /** Sends an event as the shell would. */
  send<E extends EventName>(event: E, payload: Events[E]): void {
    for (const handler of this.handlers.get(event) ?? []) (handler as (payload: Events[E]) => void)(payload);
  }

  async call<K extends CommandName>(name: K, request: Commands[K]["request"]): Promise<Commands[K]["response"]> {
    this.calls.push({ name, request });
    const answer = this.answers.get(name) as Answer<K> | undefined;
    if (!answer) throw failure("internal", { detail: `no answer was set for ${name}` });
    return answer(request);
  }

  on<E extends EventName>(event: E, handler: (payload: Events[E]) => void) {
    const all = this.handlers.get(event) ?? new Set();
    all.add(handler as (payload: never) => void);
    this.handlers.set(event, all);
    return () => void all.delete(handler as (payload: never) => void);
  }

  preferences = {
    load: async () => ({ ...this.saved }),
    save: async (preferences: Preferences) => {
      this.saved = preferences;
    },
  };

  clipboard = {
    write: async (text: string) => {
      this.copied.push(text);
    },
  };

  requests<K extends CommandName>(name: K): Array<Commands[K]["request"]> {
    return this.calls.filter((call) => call.name === name).map(({ request }) => request as Commands[K]["request"]);
  }
}

export function provideMemoryBackend(): MemoryBackend {
  const memory = new MemoryBackend();
  provideBackend(memory);
  return memory;
}

export function failure(code: ErrorCode, params: Record<string, string> = {}, rest: Partial<Failure> = {}): Failure {
  return { code, params, message: code, server: null, sql: null, ...rest };
}
