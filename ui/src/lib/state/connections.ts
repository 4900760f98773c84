// The local proxies that run. The shell sends the whole list on every change.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { Connection, Failure, OpenConnection } from "../../ipc/contract";

interface Connections {
  list: Connection[];
  failure: Failure | null;
  take: (list: Connection[]) => void;
  load: () => Promise<void>;
  open: (request: OpenConnection) => Promise<Connection>;
  stop: (id: string) => Promise<void>;
  stopSession: (id: number) => Promise<void>;
  clear: () => void;
}

export const useConnections = create<Connections>((set, get) => ({
  list: [],
  failure: null,
  take: (list) => set({ list, failure: null }),
  load: async () => {
    try {
      set({ list: await backend().call("connections_list", null), failure: null });
    } catch (reason) {
      set({ failure: asFailure(reason) });
    }
  },
  open: async (request) => {
    const connection = await backend().call("connection_open", request);
    // The event may have been here first.
    if (!get().list.some((other) => other.id === connection.id)) set({ list: [...get().list, connection] });
    return connection;
  },
  stop: async (id) => {
    await backend().call("connection_stop", id);
    set({ list: get().list.filter((other) => other.id !== id) });
  },
  stopSession: (id) => backend().call("session_stop", id).then(get().load),
  clear: () => set({ list: [], failure: null }),
}));

export function sessionCount(list: Connection[]): number {
  return list.reduce((sum, connection) => sum + connection.sessions.length, 0);
}
