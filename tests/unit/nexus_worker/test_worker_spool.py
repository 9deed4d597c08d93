"""A worker stores webhooks that were spooled on its host, also where no server is left to do it."""

from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.ports.spool import Spooled
from nexus_core.storage.spool import FileSpool


def test_a_worker_stores_what_waits_in_the_spool(make_hub, until):
    """Within seconds, with its job; the spool is empty then."""
    hub = make_hub()
    spool = FileSpool(hub.nexus.config.data_dir / "spool", 10**6)
    for number in range(3):
        delivery = VerifiedDelivery(source="forge", id=f"d{number}", kind="push", body=b"{}")
        spool.put(Spooled(delivery=delivery, received_at=hub.nexus.clock.now()))
    hub.worker()

    assert until(lambda: spool.state().number == 0, 10)
    assert sorted(one.delivery_id for one in hub.nexus.deliveries.list()) == ["d0", "d1", "d2"]
