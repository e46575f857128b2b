"""What stands against a delivery, as values."""

from __future__ import annotations

from mes.domain.delivery import Line, customer_of, pieces_by_order


def test_a_delivery_without_a_customer_is_refused_and_one_that_is_named_serves_orders_that_name_nobody() -> None:
    who, against = customer_of("", {"OF-1": ""})
    assert (who, [a.reason for a in against]) == ("", ["delivery_no_customer"])
    assert customer_of("Depot", {"OF-1": ""}) == ("Depot", [])


def test_the_customer_of_one_order_serves_another_that_names_nobody() -> None:
    assert customer_of("", {"OF-1": "", "OF-2": "Depot"}) == ("Depot", [])


def test_pieces_of_an_order_are_summed_over_cartons_and_units_are_none() -> None:
    lines = [Line("OF-1", "KIT", None, 5, "c1"), Line("OF-1", "KIT", None, 3), Line("OF-2", "GEN", "G1", 1)]
    assert pieces_by_order(lines) == {"OF-1": 8}
