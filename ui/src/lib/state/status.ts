// Who is signed in. The shell tells us whenever it changes.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { AppStatus, Failure, SignIn } from "../../ipc/contract";
import { Told } from "./told";

interface Status {
  /** Absent until the shell has answered once. */
  status: AppStatus | null;
  /** Why the shell did not say. */
  failure: Failure | null;
  take: (status: AppStatus) => void;
  load: () => Promise<void>;
  signIn: (request: SignIn) => Promise<void>;
  signOut: () => Promise<void>;
}

const told = new Told();

export const useStatus = create<Status>((set) => ({
  status: null,
  failure: null,
  take: (status) => {
    told.hear();
    set({ status, failure: null });
  },
  load: async () => {
    try {
      await told.unlessTold(backend().call("app_status", null), (status) => set({ status, failure: null }));
    } catch (reason) {
      set({ failure: asFailure(reason) });
    }
  },
  signIn: (request) => told.unlessTold(backend().call("sign_in", request), (status) => set({ status })),
  signOut: () => told.unlessTold(backend().call("sign_out", null), (status) => set({ status })),
}));
