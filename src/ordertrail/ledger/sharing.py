"""Who seals which log, where several sequencers share a trail: everybody works it out alone, and comes to the same.

What each sees is the same: the streams, the sequencers that are alive, who holds which stream's lease, and which
streams were given to one of them by hand. A share is fair where no two differ by more than one stream that was not
given by hand. A stream stays with who holds it as long as that is within its holder's share, so that one who joins or
leaves moves as few as can be.

Nobody relies on this for safety: two who saw different things want the same lease, and the lease has one holder.
"""

from collections.abc import Mapping, Sequence


def share_out(
    streams: Sequence[str],
    sequencers: Sequence[str],
    holders: Mapping[str, str],
    given: Mapping[str, str],
) -> dict[str, str]:
    """Return which sequencer is to seal each stream; nothing where there is no sequencer.

    ``holders`` says who holds a stream now. Streams that are ``given`` to one who is not there are shared as all
    others are.
    """
    if not sequencers:
        return {}
    alive = sorted(set(sequencers))
    shares = {stream: given[stream] for stream in streams if given.get(stream) in alive}
    rest = [stream for stream in sorted(set(streams)) if stream not in shares]
    held = {name: [one for one in rest if holders.get(one) == name] for name in alive}
    # Who holds most keeps the larger shares, so that a remainder moves nothing.
    ranked = sorted(alive, key=lambda name: (-len(held[name]), name))
    least, over = divmod(len(rest), len(alive))
    quota = {name: least + (rank < over) for rank, name in enumerate(ranked)}
    for name in alive:
        shares |= dict.fromkeys(held[name][: quota[name]], name)
    open_places = iter([name for name in ranked for _ in range(quota[name] - len(held[name]))])
    for stream in rest:
        if stream not in shares:
            shares[stream] = next(open_places)
    return shares
