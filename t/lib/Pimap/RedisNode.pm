package Pimap::RedisNode;

# A server of a Redis Cluster of the test's own: its id, its role, the slots
# that it owns.

use strict;
use warnings;

use Pimap::Process qw(wait_for);

use parent qw(Pimap::Redis);

use constant NODE_TIMEOUT => 2000;      # ms until a silent node has failed


# As for Pimap::Redis; hostname => that is announced; announce => the name of a
# port that is, with a proxy there

sub new {
    my ($class, %set) = @_;

    my ($t, $name) = @set{qw(t name)};
    my @tls = $set{tls} ? ('tls-cluster yes', 'tls-replication yes') : ();
    my @password = $set{password} ? ("masterauth $set{password}") : ();
    my @hostname = $set{hostname}
        ? ("cluster-announce-hostname $set{hostname}",
            'cluster-preferred-endpoint-type hostname') : ();

    my @port = $set{announce}
        ? 'cluster-announce-port ' . $t->port($set{announce}) : ();

    return $class->SUPER::new(%set, port => 1, options => [
        'cluster-enabled yes', "cluster-config-file $name.nodes",
        'cluster-port ' . $t->port("$name-bus"),
        'cluster-node-timeout ' . NODE_TIMEOUT,
        'cluster-allow-replica-migration no', 'enable-debug-command yes',
        'repl-diskless-sync-delay 0', "dbfilename $name.rdb",
        "appenddirname $name.aof", @tls, @password,
        @hostname, @port, @{ $set{options} // [] }]);
}


# The port of its clients, and that in messages of the cluster's own.

sub number     { $_[0]{t}->port($_[0]{name}) }
sub endpoint   { '127.0.0.1:' . $_[0]->announced() }
sub bus_number { $_[0]{t}->port("$_[0]{name}-bus") }

sub listens {
    my ($self) = @_;
    return $self->{tls} ? $self->{t}->port("$self->{name}-tls")
        : $self->number();
}


# The port that it tells clients.

sub announced {
    my ($self) = @_;
    return $self->{announce} ? $self->{t}->port($self->{announce})
        : $self->listens();
}


sub is_there { $_[0]{process} && $_[0]{process}->running() }


# The node's id, which it keeps when it starts again.

sub id {
    my ($self) = @_;
    return $self->{id} //= $self->command(qw(CLUSTER MYID));
}


# CLUSTER NODES by id: {flags, master, link, epoch, moving, slots}.  The last
# two are lists.  There is no id if the node does not answer.

sub view {
    my ($self) = @_;

    my $text = eval { $self->command(qw(CLUSTER NODES)) } // return {};
    my %view;

    for my $line (split(/\n/, $text)) {
        my ($id, undef, $flags, $master, undef, undef, $epoch, $link, @slots)
            = split(/ /, $line);

        $view{$id} = { flags => $flags, master => $master, link => $link,
            epoch => $epoch, slots => [grep { !/^\[/ } @slots],
            moving => [grep { /^\[/ } @slots] };
    }

    return \%view;
}


# Its own line, as itself sees it.

sub own {
    my ($self) = @_;

    my ($line) = grep { $_->{flags} =~ /myself/ } values(%{ $self->view() });

    return $line;
}


sub is_master  { (($_[0]->own() // return)->{flags}) =~ /master/ }
sub replicates { my $own = $_[0]->own() // return; $own->{master} }


sub owns { return has_slot($_[0]->own(), $_[1]) }


# Whether it has heard of the other node that this has the slot, and by which
# epoch.  It has the slot from a CLUSTER SETSLOT of its own, without the epoch.

sub has_heard {
    my ($self, $other, $slot) = @_;

    my $seen = $self->view()->{ $other->id() } // return;
    my $own = $other->own() // return;

    return $seen->{epoch} == $own->{epoch} && has_slot($seen, $slot);
}


sub has_slot {
    my ($line, $slot) = @_;

    for my $range (@{ ($line // {})->{slots} // [] }) {
        my ($first, $last) = split(/-/, $range);

        return 1 if $slot >= $first && $slot <= ($last // $first);
    }

    return;
}


# Becomes a replica of the node, and has all of its data.

sub replicate {
    my ($self, $master) = @_;

    wait_for(sub { !$self->error(qw(CLUSTER REPLICATE), $master->id()) })
        or die "$self->{name} does not replicate\n";
    $self->synced($master);
}


# Takes its master's place: FORCE without the master, TAKEOVER without the
# others, too.

sub take_over {
    my ($self, @how) = @_;

    wait_for(sub {
        $self->error(qw(CLUSTER FAILOVER), @how);
        wait_for(sub { $self->is_master() }, 2);
    }) or die "$self->{name} does not take over\n";
}


1;
