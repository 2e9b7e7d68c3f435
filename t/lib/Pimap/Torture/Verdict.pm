package Pimap::Torture::Verdict;

# Checks that every device got each event once and in order, or a resync.
#
# Ids are dense: each event in a record must follow the device's last id, or a
# resync comes before it.  At the end the last id of each device is the last id
# of its account's log.  The log, the publishers, and all devices must agree on
# the event of an id.
#
# If events are merged, ids may be missing, but a later event of the same kind
# or a resync must follow for each.

use strict;
use warnings;

use Pimap::Torture::Publisher;


# accounts: of each device by its number; last: id by account; reasons: that
# may be the cause of a resync; lossy: events of an old epoch may come again,
# by their publisher; coalesce: events may be merged

sub new {
    my ($class, %set) = @_;

    return bless({ %set, truth => {}, faults => [], figures => {
        map { $_ => 0 } qw(lost twice disorder wrong behind events resyncs
            starts published unknown merged) } }, $class);
}


sub figures { $_[0]{figures} }
sub faults  { @{ $_[0]{faults} } }


sub _fault {
    my ($self, $kind, $n, $what) = @_;

    $self->{figures}{$kind} += $n;
    push(@{ $self->{faults} }, "$kind: $what");
}


# The entries of a log: [id, [e => text, ...]], ...

sub log {
    my ($self, $account, $entries) = @_;

    for my $entry (@$entries) {
        my ($uid) = $entry->[1][1] =~ /"uid":(\d+)/;
        $self->_agree($account, $entry->[0], $uid, 'the log');
    }
}


sub publisher {
    my ($self, $file) = @_;

    open(my $fh, '<', $file) or die "$file: $!\n";

    while (<$fh>) {
        my ($account, $uid, $id) = split();

        $self->{figures}{$id eq '?' ? 'unknown' : 'published'}++;
        $self->_agree($account, $id, $uid, 'a publisher')
            if $id =~ /-/;
    }
}


sub _agree {
    my ($self, $account, $id, $uid, $who) = @_;

    my $known = $self->{truth}{$account}{$id} //= $uid;

    $self->_fault('wrong', 1, "$account $id is $known, not $uid, says $who")
        if $known != $uid;
}


sub devices {
    my ($self, $file) = @_;

    open(my $fh, '<', $file) or die "$file: $!\n";

    while (<$fh>) {
        my ($n, $kind, $id, $what) = split(/[ \n]/);
        my $d = $self->{devices}[$n] //= { n => $n,
            account => $self->{accounts}[$n] };

        $kind eq 'e' ? $self->_event($d, $id, $what)
            : $kind eq 'r' ? $self->_resync($d, $id, $what)
            : $self->_start($d, $id);
    }
}


sub _start {
    my ($self, $d, $id) = @_;

    $self->{figures}{starts}++;

    my $place = $d->{place} //= $id;

    $self->_fault('wrong', 1, "device $d->{n} was at $place, starts at $id")
        if $place ne $id;
}


sub _event {
    my ($self, $d, $id, $uid) = @_;

    $self->{figures}{events}++;
    return if $id eq '';

    my ($epoch, $n) = split(/-/, $id);
    my $place = $d->{place} // "$epoch-" . ($n - 1);
    my ($old_epoch, $old_n) = $place eq '0' ? ($epoch, 0)
        : split(/-/, $place);
    my $name = "device $d->{n}: $id after $place";

    $d->{place} = $id;
    $self->_agree($d->{account}, $id, $uid, "device $d->{n}");

    if ($epoch != $old_epoch) {
        $self->_fault('lost', 1, $name);

    } elsif ($n <= $old_n) {
        $self->_fault('twice', 1, $name);

    } elsif ($n > $old_n + 1 && !$self->{coalesce}) {
        $self->_fault('lost', $n - $old_n - 1, $name);

    } else {
        $self->_merged($d, "$epoch-$_", $name) for $old_n + 1 .. $n - 1;
        delete $d->{owed}{kind_of($uid)};
    }

    $self->_fault('twice', 1, "device $d->{n}: uid $uid")
        if $d->{seen}{$uid}++ && !$self->{lossy};

    my $publisher = int($uid / 10_000_000);

    $self->_fault('disorder', 1, "device $d->{n}: uid $uid")
        if $uid < ($d->{newest}{$publisher} // 0) && !$self->{lossy};
    $d->{newest}{$publisher} = $uid;
}


# An event that did not arrive: a later one of its kind must follow.  (If no
# other device has seen it and its log is gone, its kind is unknown.)

sub _merged {
    my ($self, $d, $id, $name) = @_;

    my $uid = $self->{truth}{$d->{account}}{$id} // return;

    $self->{figures}{merged}++;

    kind_of($uid) ? $d->{owed}{kind_of($uid)} //= $id
        : $self->_fault('lost', 1, "$name: $id was news");
}


sub kind_of { Pimap::Torture::Publisher::kind($_[0]) }


# The id must be of another log; or, if the last events were lost, an earlier
# id.  The begin of a log may be among the lost events: then the log before it
# goes on, or there is none.

sub _resync {
    my ($self, $d, $id, $reason) = @_;

    my $place = $d->{place} // 'nowhere';

    $self->{figures}{resyncs}++;
    $self->{figures}{"resync $reason"}++;
    $d->{place} = $id;
    $d->{owed} = {};

    my ($from, $to) = map { (split(/-/))[0] } $place, $id;

    $self->_fault('wrong', 1, "device $d->{n}: resync $reason, $place to $id")
        if !$self->{reasons}{$reason}
        || $reason eq 'epoch'
            && ($self->{lossy} ? $to == $from : $to <= $from);
}


# Called after all records.

sub end {
    my ($self) = @_;

    for my $n (0 .. $#{ $self->{accounts} }) {
        my $account = $self->{accounts}[$n];
        my $place = $self->{devices}[$n]{place} // 'nowhere';

        $self->_fault('behind', 1,
            "device $n ends at $place, not $self->{last}{$account}")
            if $place ne $self->{last}{$account};

        my @owed = values(%{ $self->{devices}[$n]{owed} // {} });

        $self->_fault('lost', scalar(@owed), "device $n: nothing after @owed")
            if @owed;
    }

    return $self;
}


1;
