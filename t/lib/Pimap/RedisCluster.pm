package Pimap::RedisCluster;

# A Redis Cluster of the test's own: masters and their replicas.  It is used as
# a Pimap::Redis, whose commands go to the node that serves their key.  With
# PIMAP_REDIS=valkey-server it is a Valkey Cluster.
#
#     my $cluster = Pimap::RedisCluster->new(t => $t)->start()->load();
#     my $t = Pimap->new(redis => ...)     or  $t->{redis} = $cluster;
#
#     $cluster->owner('alice')->kill();            a failover follows
#     $cluster->move($cluster->slot_of('alice'), $node);

use strict;
use warnings;

use Pimap::Process qw(wait_for);
use Pimap::RedisNode;

use parent qw(Pimap::Redis Pimap::RedisSlots);

use constant REDIRECTIONS => 20;


# t => the test; masters => 3, replicas => 1 of each; name => 'node';
# hostname => "%d" in it is the number; announce => { number => the name of a
# port }; others as for Pimap::Redis

sub new {
    my ($class, %set) = @_;

    my $self = bless({ masters => 3, replicas => 1, name => 'node', %set,
        nodes => [], next => 0 }, $class);

    $self->_node() for 1 .. $self->{masters} * (1 + $self->{replicas});

    return $self;
}


sub _node {
    my ($self) = @_;

    my $n = ++$self->{next};
    my %set = map { $_ => $self->{$_} } grep { exists $self->{$_} }
        qw(t tls password users options prefix);

    $set{hostname} = $self->{hostname} =~ s/%d/$n/r if $self->{hostname};
    $set{announce} = ($self->{announce} // {})->{$n};

    push(@{ $self->{nodes} }, Pimap::RedisNode->new(%set,
        name => "$self->{name}$n"));

    return $self->{nodes}[-1];
}


# The nodes; those that run; those that own slots, in the order of their slots.

sub nodes { @{ $_[0]{nodes} } }
sub alive { grep { $_->is_there() } @{ $_[0]{nodes} } }

sub masters {
    my ($self) = @_;

    my %first;

    for my $node ($self->alive()) {
        my $own = $node->own() // next;
        my ($slot) = map { /^(\d+)/ } @{ $own->{slots} };

        $first{$node} = $slot if defined $slot && $own->{flags} =~ /master/;
    }

    my @masters = sort { $first{$a} <=> $first{$b} }
        grep { defined $first{$_} } $self->alive();

    return @masters;
}


sub replicas_of {
    my ($self, $master) = @_;

    my $id = $master->id();

    return grep { ($_->replicates() // '') eq $id } $self->alive();
}


# Of nginx and other clients: the first nodes only, as the others are found.

sub address {
    my ($self, $nodes) = @_;

    my @nodes = @{ $self->{nodes} }[0 .. ($nodes // $self->{masters}) - 1];

    return ($self->{tls} ? 'clusters' : 'cluster') . '://'
        . join(',', map { '127.0.0.1:' . $_->announced() } @nodes);
}


# Starts all nodes; each of the first ones has its share of the slots.

sub start {
    my ($self) = @_;

    my @nodes = $self->nodes();
    my @masters = @nodes[0 .. $self->{masters} - 1];
    my $first = $nodes[0];

    $_->start()->id() for @nodes;

    for my $n (0 .. $#masters) {
        my @range = map { int(16384 * ($n + $_) / @masters) - $_ } 0, 1;

        $masters[$n]->command(qw(CLUSTER ADDSLOTSRANGE), @range);
        $masters[$n]->command(qw(CLUSTER SET-CONFIG-EPOCH), $n + 1);
    }

    $self->_meet($_) for @nodes[1 .. $#nodes];
    $self->_known();

    for my $n (@masters .. $#nodes) {
        $nodes[$n]->replicate($masters[$n % @masters]);
    }

    $self->whole() or die "no cluster\n";

    return $self;
}


sub _meet {
    my ($self, $node) = @_;

    $self->{nodes}[0]->command(qw(CLUSTER MEET 127.0.0.1), $node->listens(),
        $node->bus_number());
}


sub _known {
    my ($self) = @_;

    my @nodes = $self->alive();

    wait_for(sub {
        !grep { my $view = $_->view(); keys(%$view) != @nodes
            || grep { $_->{flags} =~ /handshake|noaddr/ } values(%$view)
        } @nodes
    }) or die "the nodes do not meet\n";
}


# True as soon as all living nodes have the state "ok" and agree on the owners
# of all slots and on the replicas, each of which has a link to its master.

sub whole {
    my ($self, $deadline) = @_;
    return wait_for(sub { $self->is_whole() }, $deadline);
}


sub is_whole {
    my ($self) = @_;

    my %owners;

    for my $node ($self->alive()) {
        my $info = eval { $node->command(qw(CLUSTER INFO)) } // return;

        return if $info !~ /^cluster_state:ok/m
            || $info !~ /^cluster_slots_ok:16384/m;

        return if !$node->is_master()
            && $node->_replication('master_link_status') ne 'up';

        my $view = $node->view();

        $owners{join(' ', map { my $of = $view->{$_->id()};
            $of ? "@{ $of->{slots} } $of->{master}" : '?' } $self->alive())}
            = 1;
    }

    return keys(%owners) == 1;
}


# The functions, at all masters, also at those without slots.

sub load {
    my ($self) = @_;

    $_->load() for grep { $_->is_master() } $self->alive();

    return $self;
}


sub stop    { $_->stop() for $_[0]->alive() }
sub pause   { $_->pause() for $_[0]->alive() }
sub resume  { $_->resume() for $_[0]->alive() }


# Follows redirections; a command without a key goes to the first living node.

sub command {
    my ($self, @args) = @_;

    my ($node) = $self->alive() or die "redis: not there\n";
    my $asking;

    for (1 .. REDIRECTIONS) {
        my $reply = eval {
            $node->command('ASKING') if $asking;
            $node->command(@args);
        };

        return $reply if !$@;

        my ($how, $port) = $@ =~ /^redis: (MOVED|ASK) \d+ \S*:(\d+)$/m
            or die $@;

        ($node) = grep { $_->number() == $port || $_->announced() == $port }
            $self->nodes();
        $asking = $how eq 'ASK';
    }

    die "redis: too many redirections\n";
}


sub connect { ($_[0]->alive())[0]->connect() }


sub publish {
    my ($self, $account, $event) = @_;

    return $self->command('SPUBLISH', $self->channel($account),
        ref($event) ? $self->{t}->json($event) : $event);
}


# A message of one node reaches its own subscribers only.

sub numsub {
    my ($self, $account) = @_;

    my $owner = $self->owner($account) // return 0;

    return (eval { $owner->command(qw(PUBSUB SHARDNUMSUB),
        $self->channel($account)) } // ['', 0])->[1];
}


# Changes of the cluster.


# The node has failed, and a replica has its slots; by the replicas' own vote,
# or at once with TAKEOVER.  Returns the new master.

sub fail_over {
    my ($self, $node, @how) = @_;

    my ($replica) = $self->replicas_of($node) or die "no replica\n";

    $node->kill();

    if (@how) {
        $replica->take_over(@how);

    } else {
        wait_for(sub { $replica->is_master() }) or die "no failover\n";
    }

    return $replica;
}


# A replica and its master change places.  No write is lost.

sub switch {
    my ($self, $node) = @_;

    my ($replica) = $self->replicas_of($node) or die "no replica\n";

    $replica->take_over();

    return $replica;
}


# A new node: a master without slots, or a replica of the master.

sub add {
    my ($self, $master) = @_;

    my $node = $self->_node()->start();

    $self->_meet($node);
    $self->_known();
    $node->replicate($master) if $master;
    $self->whole() or die "the cluster does not take $node->{name}\n";

    return $node;
}


# The node leaves: without slots or a replica.  The others do not know it any
# more.

sub remove {
    my ($self, $node) = @_;

    my $id = $node->id();

    $node->stop();
    $self->{nodes} = [grep { $_ != $node } @{ $self->{nodes} }];
    $_->command(qw(CLUSTER FORGET), $id) for $self->alive();
}


1;
