import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";

export function ActivityView() {
  const { t } = useTranslation();
  return <Empty icon="activity" title={t("activity.pickTitle")} text={t("activity.pickText")} />;
}
