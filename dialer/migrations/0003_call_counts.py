"""How a campaign's calls ended is counted by the database; rare outcomes are found by index."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

# As the counts of enrollments (campaigns, migration 0002): a transaction counts in a slot of its own.
# A call is updated several times while it lives; only once it has ended there is something to count.
COUNTS = """
CREATE FUNCTION call_count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows WHERE state = 'ended') THEN
        RETURN NULL;
    END IF;
    INSERT INTO dialer_callcount AS counter (campaign_id, outcome, disposition_id, slot, calls, seconds, cost)
    SELECT campaign_id, outcome, disposition_id, enrollment_counter_slot(),
           count(*), sum(COALESCE(duration_seconds, 0)), sum(COALESCE(cost, 0))
    FROM new_rows WHERE state = 'ended' AND outcome <> 'withdrawn' AND campaign_id IS NOT NULL
    GROUP BY campaign_id, outcome, disposition_id ORDER BY campaign_id, outcome, disposition_id
    ON CONFLICT (campaign_id, outcome, disposition_id, slot) DO UPDATE SET
        calls = counter.calls + excluded.calls,
        seconds = counter.seconds + excluded.seconds,
        cost = counter.cost + excluded.cost;
    RETURN NULL;
END $$;

CREATE FUNCTION call_count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dialer_callcount AS counter (campaign_id, outcome, disposition_id, slot, calls, seconds, cost)
    SELECT campaign_id, outcome, disposition_id, enrollment_counter_slot(),
           -count(*), -sum(COALESCE(duration_seconds, 0)), -sum(COALESCE(cost, 0))
    FROM old_rows WHERE state = 'ended' AND outcome <> 'withdrawn' AND campaign_id IS NOT NULL
    GROUP BY campaign_id, outcome, disposition_id ORDER BY campaign_id, outcome, disposition_id
    ON CONFLICT (campaign_id, outcome, disposition_id, slot) DO UPDATE SET
        calls = counter.calls + excluded.calls,
        seconds = counter.seconds + excluded.seconds,
        cost = counter.cost + excluded.cost;
    RETURN NULL;
END $$;

CREATE FUNCTION call_count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What has ended stays so: without such a row now, there was none before.
    IF NOT EXISTS (SELECT FROM new_rows WHERE state = 'ended') THEN
        RETURN NULL;
    END IF;
    INSERT INTO dialer_callcount AS counter (campaign_id, outcome, disposition_id, slot, calls, seconds, cost)
    SELECT campaign_id, outcome, disposition_id, enrollment_counter_slot(), calls, seconds, cost FROM (
        SELECT campaign_id, outcome, disposition_id, sum(one) AS calls,
               sum(one * COALESCE(duration_seconds, 0)) AS seconds, sum(one * COALESCE(cost, 0)) AS cost
        FROM (
            SELECT state, campaign_id, outcome, disposition_id, duration_seconds, cost, 1 AS one FROM new_rows
            UNION ALL
            SELECT state, campaign_id, outcome, disposition_id, duration_seconds, cost, -1 FROM old_rows
        ) AS both_sides
        WHERE state = 'ended' AND outcome <> 'withdrawn' AND campaign_id IS NOT NULL
        GROUP BY campaign_id, outcome, disposition_id
    ) AS changes
    WHERE calls <> 0 OR seconds <> 0 OR cost <> 0
    ORDER BY campaign_id, outcome, disposition_id
    ON CONFLICT (campaign_id, outcome, disposition_id, slot) DO UPDATE SET
        calls = counter.calls + excluded.calls,
        seconds = counter.seconds + excluded.seconds,
        cost = counter.cost + excluded.cost;
    RETURN NULL;
END $$;

CREATE TRIGGER call_count_inserted AFTER INSERT ON dialer_call
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION call_count_inserted();
CREATE TRIGGER call_count_deleted AFTER DELETE ON dialer_call
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION call_count_deleted();
CREATE TRIGGER call_count_updated AFTER UPDATE ON dialer_call
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION call_count_updated();

-- A campaign's deletion takes its name off its calls, which counts once more: take those counts along.
CREATE FUNCTION call_count_campaign_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM dialer_callcount WHERE campaign_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER call_count_campaign_deleted AFTER DELETE ON campaigns_campaign
    FOR EACH ROW EXECUTE FUNCTION call_count_campaign_deleted();

ALTER TABLE dialer_callcount SET (fillfactor = 50);

-- What there is already.
INSERT INTO dialer_callcount (campaign_id, outcome, disposition_id, slot, calls, seconds, cost)
SELECT campaign_id, outcome, disposition_id, 0,
       count(*), sum(COALESCE(duration_seconds, 0)), sum(COALESCE(cost, 0))
FROM dialer_call WHERE state = 'ended' AND outcome <> 'withdrawn' AND campaign_id IS NOT NULL
GROUP BY campaign_id, outcome, disposition_id;
"""

NO_COUNTS = """
DROP TRIGGER call_count_campaign_deleted ON campaigns_campaign;
DROP TRIGGER call_count_inserted ON dialer_call;
DROP TRIGGER call_count_deleted ON dialer_call;
DROP TRIGGER call_count_updated ON dialer_call;
DROP FUNCTION call_count_campaign_deleted();
DROP FUNCTION call_count_inserted();
DROP FUNCTION call_count_deleted();
DROP FUNCTION call_count_updated();
"""


class Migration(migrations.Migration):
    dependencies = [("dialer", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="CallCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("outcome", models.CharField(max_length=12)),
                ("slot", models.SmallIntegerField()),
                ("calls", models.IntegerField(default=0)),
                ("seconds", models.BigIntegerField(default=0)),
                ("cost", models.DecimalField(decimal_places=5, default=0, max_digits=16)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "disposition",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="campaigns.disposition",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "outcome", "disposition", "slot"),
                        name="call_count_once",
                        nulls_distinct=False,
                    )
                ]
            },
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=Q(state="ended"), fields=["campaign", "outcome", "-id"], name="call_of_outcome"
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=Q(disposition__isnull=False),
                fields=["campaign", "disposition", "-id"],
                name="call_of_disposition",
            ),
        ),
        migrations.RunSQL(COUNTS, NO_COUNTS),
    ]
