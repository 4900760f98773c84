// The local proxies that run, and those that ran before. The shell sends the whole list on every change.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { Connection, Failure, OpenConnection, RecentConnection, Target } from "../../ipc/contract";
import { Told } from "./told";

interface Connections {
  list: Connection[];
  /** Those that do not run now, the latest first. */
  recent: RecentConnection[];
  /** Nothing is shown as absent before somebody has said so. */
  loaded: boolean;
  failure: Failure | null;
  take: (list: Connection[]) => void;
  load: () => Promise<void>;
  loadRecent: () => Promise<void>;
  open: (request: OpenConnection) => Promise<Connection>;
  stop: (id: string) => Promise<void>;
  stopSession: (id: number) => Promise<void>;
  forget: (target: Target) => Promise<void>;
  clear: () => void;
}

const nothing = { list: [], recent: [], loaded: false, failure: null };

const told = new Told();

export const useConnections = create<Connections>((set, get) => ({
  ...nothing,
  take: (list) => {
    told.hear();
    const before = ids(get().list);
    set({ list, loaded: true, failure: null });
    if (ids(list) !== before) void get().loadRecent();
  },
  load: async () => {
    try {
      await told.unlessTold(backend().call("connections_list", null), (list) => {
        set({ list, loaded: true, failure: null });
      });
      await get().loadRecent();
    } catch (reason) {
      set({ failure: asFailure(reason) });
    }
  },
  loadRecent: async () => {
    try {
      set({ recent: await backend().call("connections_recent", null) });
    } catch (reason) {
      set({ failure: asFailure(reason) });
    }
  },
  open: async (request) => {
    const connection = await backend().call("connection_open", request);
    // The event may have been here first.
    if (!get().list.some((other) => other.id === connection.id)) get().take([...get().list, connection]);
    return connection;
  },
  stop: async (id) => {
    await backend().call("connection_stop", id);
    get().take(get().list.filter((other) => other.id !== id));
  },
  stopSession: (id) => backend().call("session_stop", id).then(get().load),
  forget: (target) => backend().call("connection_forget", target).then(get().loadRecent),
  clear: () => set(nothing),
}));

export function sessionCount(list: Connection[]): number {
  return list.reduce((sum, connection) => sum + connection.sessions.length, 0);
}

/** The port that a target keeps although no proxy of it runs now. */
export function keptPort(recent: RecentConnection[], { database, db_user, db_name }: Target): number | undefined {
  return recent.find(
    ({ target }) => target.database === database && target.db_user === db_user && target.db_name === db_name,
  )?.port;
}

/** Tells whether other proxies run now, not whether something flowed through them. */
function ids(list: Connection[]): string {
  return list.map(({ id, opened_at }) => `${id} ${opened_at}`).join("\n");
}
