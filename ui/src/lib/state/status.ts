// Who is signed in. The shell tells us whenever it changes.
import { create } from "zustand";
import { backend } from "../../ipc/backend";
import type { AppStatus, SignIn } from "../../ipc/contract";

interface Status {
  /** Absent until the shell has answered once. */
  status: AppStatus | null;
  take: (status: AppStatus) => void;
  load: () => Promise<void>;
  signIn: (request: SignIn) => Promise<void>;
  signOut: () => Promise<void>;
}

export const useStatus = create<Status>((set) => ({
  status: null,
  take: (status) => set({ status }),
  load: async () => set({ status: await backend().call("app_status", null) }),
  signIn: async (request) => set({ status: await backend().call("sign_in", request) }),
  signOut: async () => set({ status: await backend().call("sign_out", null) }),
}));
