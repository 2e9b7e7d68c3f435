package Pimap::Torture::Cluster;

# The cluster of a run, and the faults of it: masters that die, slots that
# move, nodes that come and go, and a network that is cut.

use strict;
use warnings;

use Pimap::Proxy;
use Pimap::RedisCluster;
use Time::HiRes qw(sleep time);

use parent qw(Pimap::Torture::Trouble);

use constant {
    SLOTS => 4,             # that move at a time
    CUT => 2.5,             # seconds
};


# t => the test; accounts => their names

sub new {
    my ($class, %set) = @_;

    my $t = $set{t};
    my $self = bless({ %set, counts => {}, turn => 0 }, $class);

    $self->{cluster} = $t->{redis} = Pimap::RedisCluster->new(t => $t,
        announce => { 1 => 'wire' }, options => ['appendonly yes',
            'appendfsync no', 'cluster-require-full-coverage no']);
    $self->{wire} = Pimap::Proxy->new(t => $t, name => 'wire', mode => 'open',
        to => ($self->{cluster}->nodes())[0]);

    $self->{troubles} = [qw(worker move subscribers failover commanders reload
        move pause cut switch worker restart move nodes frozen resync)];
    $self->_with_memory();

    return $self;
}


sub master  { $_[0]{cluster} }
sub address { $_[0]{cluster}->address() }


# A failover may lose the last events of a log, or a log whose epoch is left.

sub reasons {
    my ($self) = @_;

    return if !grep { $self->{counts}{$_} }
        qw(failover switch restart move nodes);
    return qw(epoch future empty gone);
}


sub start {
    my ($self) = @_;

    $self->{wire}->start();
    $self->{cluster}->start()->load();
    $self->_publish_nodes();
}


sub _publish_nodes {
    my ($self) = @_;

    my $file = $self->{t}->dir() . '/nodes';

    $self->{t}->write_file("$file.new", join('', map { $_->announced() . ' '
        . $_->socket() . "\n" } $self->{cluster}->nodes()));
    rename("$file.new", $file) or die "$file: $!\n";
}


# One of the masters, which has a replica that is in sync.

sub _some {
    my ($self) = @_;

    my @masters = $self->{cluster}->masters();

    return $masters[rand(@masters)];
}


# Since the cluster is whole: seconds until all accounts are subscribed.

sub _recovers {
    my ($self) = @_;

    my $cluster = $self->{cluster};

    $cluster->whole() or die "the cluster is not whole again\n";

    my $since = time();

    $self->{t}->wait_for(sub { $self->_delivers() }, 'readiness')
        or die 'nginx does not get ready: '
            . $self->{t}->get('/status?ready')->{body}
            . $self->{t}->get('/status')->{body} . "\n";

    my $took = time() - $since;

    $self->{slowest} = $took if $took > ($self->{slowest} // 0);
}


# Each worker delivers the events of each master that it needs, and no account
# waits for its subscription.

sub _delivers {
    my ($self) = @_;

    my $t = $self->{t};

    return if !$t->ready();

    my $status = $t->status();
    my $n = $status->{accounts};

    $n -= $_->{redis}{subscribed} for @{ $status->{workers} };

    return $n == 0 && !grep { $_->{redis}{nodesAway} }
        @{ $status->{workers} };
}


sub slowest { $_[0]{slowest} // 0 }


sub _subscribers {
    my ($self) = @_;
    Pimap::Torture::Trouble::ask($self->_some(), qw(CLIENT KILL TYPE pubsub));
}


sub _commanders {
    my ($self) = @_;

    Pimap::Torture::Trouble::ask($self->_some(), qw(CLIENT KILL TYPE normal
        SKIPME yes));
}


sub _pause {
    my ($self) = @_;

    my $node = $self->_some();

    $node->pause();
    sleep(0.3);
    $node->resume();
}


# Killed, and there again before the others notice.

sub _restart {
    my ($self) = @_;

    my $node = $self->_some();

    $node->kill();
    $node->start();
    $self->_recovers();
}


sub _failover {
    my ($self) = @_;

    my $node = $self->_some();

    $self->{cluster}->fail_over($node);
    $self->_recovers();
    $node->start();
    $self->_recovers();
}


sub _switch {
    my ($self) = @_;

    $self->{cluster}->switch($self->_some());
    $self->_recovers();
}


# The workers and the publishers' nginx do not reach a master, the other nodes
# do.

sub _cut {
    my ($self) = @_;

    my ($node) = $self->{cluster}->nodes();

    $node->take_over() if !$node->is_master();
    $self->{wire}{process}->signal('STOP');
    sleep(CUT);
    $self->{wire}{process}->signal('CONT');
    $self->_recovers();
}


# All replicas of a master get all of its data again.

sub _resync {
    my ($self) = @_;

    my $node = $self->_some();

    $node->command(qw(DEBUG CHANGE-REPL-ID));
    $node->command(qw(CLIENT KILL TYPE replica));
    $self->_recovers();
}


# Slots of busy accounts move to another master, one after the other; each is
# at two masters for a while.

sub _move {
    my ($self, $to) = @_;

    my $cluster = $self->{cluster};
    my @accounts = @{ $self->{accounts} };
    my @moved;

    for (1 .. SLOTS) {
        my $slot = $cluster->slot_of($accounts[rand(@accounts)]);
        my $from = $cluster->owner($slot);
        my ($target) = $to // grep { $_ != $from } $cluster->masters();

        next if $target == $from;

        $cluster->begin_move($slot, $target);
        sleep(rand(0.3));
        $cluster->move_keys($slot, $from, $target);
        sleep(rand(0.3));
        $cluster->end_move($slot, $from, $target);
        push(@moved, $slot);
    }

    $self->_recovers();

    return @moved;
}


# A node comes, has some slots, and leaves.

sub _nodes {
    my ($self) = @_;

    my $cluster = $self->{cluster};
    my $node = $cluster->add();

    $node->load();
    $self->_publish_nodes();

    for my $slot ($self->_move($node)) {
        my ($to) = grep { $_ != $node } $cluster->masters();

        $cluster->move($slot, $to);
    }

    $cluster->remove($node);
    $self->_publish_nodes();
    $self->_recovers();
}


1;
