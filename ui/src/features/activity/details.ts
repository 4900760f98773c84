// All of a query's text and the facts of its session, read when somebody looks at it.
import { useEffect, useState } from "react";
import { asFailure, backend } from "../../ipc/backend";
import type { QueryDetails } from "../../ipc/contract";
import type { ListedQuery } from "./listed";

interface Details {
  details: QueryDetails | null;
  /** Why there are none. */
  failed: string | null;
}

export function useDetails({ key, target, session_id, query_id, start_time }: ListedQuery): Details {
  const [known, setKnown] = useState<Details>({ details: null, failed: null });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key names all of it
  useEffect(() => {
    let over = false;
    backend()
      .call("activity_details", { target, session_id, query_id, start_time })
      .then(
        (details) => over || setKnown({ details, failed: null }),
        (reason) => over || setKnown({ details: null, failed: asFailure(reason).message }),
      );
    return () => {
      over = true;
    };
  }, [key]);
  return known;
}
