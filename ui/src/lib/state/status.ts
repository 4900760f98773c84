// Who is signed in. The shell tells us whenever it changes.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { AppStatus, Failure, SignIn } from "../../ipc/contract";

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

export const useStatus = create<Status>((set) => ({
  status: null,
  failure: null,
  take: (status) => set({ status, failure: null }),
  load: async () => {
    try {
      set({ status: await backend().call("app_status", null), failure: null });
    } catch (reason) {
      set({ failure: asFailure(reason) });
    }
  },
  signIn: async (request) => set({ status: await backend().call("sign_in", request) }),
  signOut: async () => set({ status: await backend().call("sign_out", null) }),
}));
