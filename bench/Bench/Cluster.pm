package Bench::Cluster;

# A Redis Cluster of a run: its nodes, the slots of channels, and what each
# node has used and written.

use strict;
use warnings;

use Time::HiRes qw/sleep time/;

use Bench::Gauge;
use Bench::Server;
use Pimap::RedisSlots;
use Pimap::Resp;

use constant SLOTS => 16384;

# Masters with so many replicas each, with our functions.

sub start {
    my ($class, $dir, $masters, $replicas) = @_;

    my $self = bless { dir => $dir, masters => $masters }, $class;

    $self->{nodes} = [map { $self->node() } 1 .. $masters * (1 + $replicas)];

    my ($first, @others) = @{$self->{nodes}};

    for my $n (0 .. $masters - 1) {
        $self->{nodes}[$n]{resp}->command('CLUSTER', 'ADDSLOTSRANGE',
            map { int(SLOTS * ($n + $_) / $masters) - $_ } 0, 1);
        $self->{nodes}[$n]{resp}->command('CLUSTER', 'SET-CONFIG-EPOCH',
            $n + 1);
    }

    $first->{resp}->command('CLUSTER', 'MEET', '127.0.0.1', $_->{port})
        for @others;
    $self->wait_for(sub { $_[0]{resp}->command('CLUSTER', 'NODES')
        !~ /handshake|noaddr/ && $self->info($_[0], 'CLUSTER',
        'cluster_known_nodes') == @{$self->{nodes}} });

    for my $n ($masters .. $#{$self->{nodes}}) {
        my $id = $self->{nodes}[$n % $masters]{resp}->command('CLUSTER',
            'MYID');

        $self->{nodes}[$n]{resp}->command('CLUSTER', 'REPLICATE', $id);
    }

    $self->wait_for(sub { $self->info($_[0], 'CLUSTER', 'cluster_state')
        eq 'ok' });
    sleep 2;                            # replicas have loaded all

    Bench::Server::command("redis-cli -s $_->{path} -x FUNCTION LOAD"
        . " < $Bench::Server::root/redis/pimap.lua") for $self->masters();

    $self->{address} = 'cluster://' . join(',',
        map { "127.0.0.1:$_->{port}" } $self->masters());
    $self->{port} = $first->{port};     # of nchan

    return $self;
}

# Its bus has the port 10,000 above its own.

sub node {
    my ($self) = @_;

    my $port = Bench::Server::ports(1);
    my $path = "$self->{dir}/node-$port.sock";
    my $server = Bench::Server::start("node-$port", $self->{dir},
        sub { Bench::Server::listening($path) }, 'redis-server', '--port',
        $port, '--unixsocket', $path, '--dir', $self->{dir}, '--save', '',
        '--appendonly', 'no', '--cluster-enabled', 'yes',
        '--cluster-config-file', "node-$port.nodes", '--dbfilename',
        "node-$port.rdb", '--client-output-buffer-limit', 'pubsub 0 0 0',
        '--repl-diskless-sync-delay', 0, '--loglevel', 'warning');

    @{$server}{qw/path port/} = ($path, $port);
    $server->{resp} = Pimap::Resp->connect($path) // die "$path: $!\n";

    return $server;
}

sub wait_for {
    my ($self, $condition) = @_;

    my $end = time() + 60;

    while (grep { !$condition->($_) } @{$self->{nodes}}) {
        die "the nodes are no cluster\n" if time() > $end;
        sleep 0.1;
    }
}

sub info {
    my ($self, $node, $command, $name) = @_;

    return $node->{resp}->command($command, 'INFO') =~ /^$name:(\w+)/m
        ? $1 : '';
}

sub masters { @{$_[0]{nodes}}[0 .. $_[0]{masters} - 1] }

sub owner {
    my ($self, $channel) = @_;

    my $slot = Pimap::RedisSlots->slot_of_key($channel);

    return ($self->masters())[int(($slot + 1) * $self->{masters} / SLOTS
        - 1e-9)];
}

# For each node: CPU time in ns, and bytes written to sockets.

sub usage {
    my ($self) = @_;

    return map { {
        cpu => Bench::Gauge::cpu($_->{pid}),
        bytes => Bench::Gauge::slurp("/proc/$_->{pid}/io") =~ /^wchar: (\d+)/m
            ? $1 : 0,
    } } @{$self->{nodes}};
}

sub stop {
    my ($self) = @_;

    Bench::Server::stop($_) for @{$self->{nodes}};
}

1;
