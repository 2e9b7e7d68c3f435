package Pimap::RedisSlots;

# The part of a test's Redis Cluster that knows slots: their owners, and how
# they move.

use strict;
use warnings;

use Pimap::Process qw(wait_for);


# CRC16 (XMODEM) of the tag, or of the whole name.

sub slot_of_key {
    my ($self, $name) = @_;

    my $crc = 0;

    $name = $1 if $name =~ /\A[^{]*\{([^}]+)\}/s;
    utf8::encode($name) if utf8::is_utf8($name);

    for my $byte (unpack('C*', $name)) {
        $crc ^= $byte << 8;
        $crc = ($crc << 1 ^ ($crc & 0x8000 ? 0x1021 : 0)) & 0xffff for 1 .. 8;
    }

    return $crc % 16384;
}


sub slot_of { $_[0]->slot_of_key($_[0]->channel($_[1])) }


# The node that owns the account or the slot.

sub owner {
    my ($self, $what) = @_;

    my $slot = $what =~ /^\d+$/ ? $what : $self->slot_of($what);
    my ($owner) = grep { $_->is_master() && $_->owns($slot) } $self->alive();

    return $owner;
}


# Names of accounts that the node owns.

sub accounts_of {
    my ($self, $node, $count) = @_;

    my @accounts;

    for (my $n = 0; @accounts < $count; $n++) {
        push(@accounts, "u$n") if $node->owns($self->slot_of("u$n"));
    }

    return @accounts;
}


# A slot moves in three steps, or in one.

sub move {
    my ($self, $slot, $to) = @_;

    my $from = $self->begin_move($slot, $to);

    $self->move_keys($slot, $from, $to);
    $self->end_move($slot, $from, $to);
}


sub begin_move {
    my ($self, $slot, $to) = @_;

    my $from = $self->owner($slot) // die "no owner of slot $slot\n";

    $to->command(qw(CLUSTER SETSLOT), $slot, 'IMPORTING', $from->id());
    $from->command(qw(CLUSTER SETSLOT), $slot, 'MIGRATING', $to->id());

    return $from;
}


sub move_keys {
    my ($self, $slot, $from, $to) = @_;

    my @auth = $self->{password} ? ('AUTH', $self->{password}) : ();

    while (my @keys = @{ $from->command(qw(CLUSTER GETKEYSINSLOT), $slot,
        100) })
    {
        $from->command('MIGRATE', '127.0.0.1', $to->listens(), '', 0, 5000,
            @auth, 'KEYS', @keys);
    }
}


# Keys that came in between go, too; the target hears it first.

sub end_move {
    my ($self, $slot, $from, $to) = @_;

    $to->command(qw(CLUSTER SETSLOT), $slot, 'NODE', $to->id());

    wait_for(sub {
        $self->move_keys($slot, $from, $to);
        !$from->error(qw(CLUSTER SETSLOT), $slot, 'NODE', $to->id())
    }) or die "slot $slot does not move\n";

    # Another move before all have heard of this one might take the same epoch,
    # and the slot would go back, or to no node.
    wait_for(sub { !grep { !$_->has_heard($to, $slot) } $self->alive() })
        or die "slot $slot stays\n";
}


1;
