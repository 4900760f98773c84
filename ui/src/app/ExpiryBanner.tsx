// The AWS sign-in ends soon, has ended, or never worked: said above every view, with the way out.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../components/FailureNote";
import { Icon } from "../components/Icon";
import { useAttempt } from "../lib/attempt";
import { useNow } from "../lib/clock";
import { explain } from "../lib/failure";
import { hourMinute } from "../lib/format";
import { useStatus } from "../lib/state/status";

const SOON_MS = 10 * 60_000;

export function ExpiryBanner() {
  const { t } = useTranslation();
  const identity = useStatus((state) => state.status?.identity ?? null);
  const signIn = useStatus((state) => state.signIn);
  const now = useNow(15_000);
  const again = useAttempt(async () => {
    if (identity) await signIn({ user: identity.user, aws_profile: identity.aws_profile });
  });
  const text = identity && sentence();
  if (!text) return null;

  function sentence(): string | null {
    if (identity?.aws_failure) {
      const { what, why } = explain(identity.aws_failure, t);
      return `${what} ${why}`;
    }
    const end = identity?.aws?.expires_at;
    if (!end || end - now > SOON_MS) return null;
    return t(end > now ? "banner.ending" : "banner.ended", { time: hourMinute(end) });
  }

  return (
    <>
      <div className="banner banner--warn banner--strip" role="status">
        <Icon name="clock" />
        <span className="grow">{text}</span>
        <button type="button" className="btn btn--sm" disabled={again.running} onClick={() => again.run()}>
          {t("banner.again")}
        </button>
      </div>
      {again.failure && (
        <div className="strip-failure">
          <FailureNote failure={again.failure} />
        </div>
      )}
    </>
  );
}
