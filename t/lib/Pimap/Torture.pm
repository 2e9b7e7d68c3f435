package Pimap::Torture;

# Publishers, devices that come and go, and trouble, all at once for a while;
# then a verdict.

use strict;
use warnings;

use Pimap;
use Pimap::Torture::Cluster;
use Pimap::Torture::ClusterPublisher;
use Pimap::Torture::Device;
use Pimap::Torture::Publisher;
use Pimap::Torture::Trouble;
use Pimap::Torture::Verdict;
use Time::HiRes qw(sleep time);

use constant { PUBLISHERS => 3, PROCESSES => 3 };


# seconds, rate => events a second in all, accounts, devices => how many;
# pause => seconds between troubles; stay, away => seconds, of a device, on
# average; blind => 1: the measures against lost events are not used;
# sentinel => 1: Redis fails over; cluster => 1: Redis is a cluster;
# coalesce => 1: events may be merged

sub new {
    my ($class, %set) = @_;

    my $self = bless({ seconds => 60, rate => 3000, accounts => 500,
        devices => 1000, pause => 1.5, stay => 6, away => 1.5, %set }, $class);

    my $t = $self->{t} = Pimap->new(workers => 3, log => 'notice',
        allow => qr/exited on signal 9/);

    $self->{names} = [map { "a$_" } 0 .. $self->{accounts} - 1];
    $self->{of_device} = [map { "a" . $_ % $self->{accounts} }
        0 .. $self->{devices} - 1];
    $self->{trouble} = $self->{cluster}
        ? Pimap::Torture::Cluster->new(t => $t, accounts => $self->{names})
        : Pimap::Torture::Trouble->new(t => $t,
            sentinel => $self->{sentinel});

    return $self;
}


sub run {
    my ($self) = @_;

    my ($t, $trouble) = @{$self}{qw(t trouble)};

    $t->nginx()->{http} = 'pimap_redis ' . $trouble->address()
        . ($self->{blind} ? ' functions=off' : '')
        . ' timeout=1s probe=500ms; pimap_log_length 100000;'
        . ' pimap_gap_check 3s; pimap_drain 1s; pimap_max_devices_per_ip 0;'
        . ($self->{coalesce} && ($ENV{PIMAP_HTTP} // '') !~ /coalesce/
            ? ' pimap_coalesce 1s;' : '');

    $trouble->start();
    $t->nginx()->start();
    $t->wait_ready() or die "nginx does not get ready\n";

    my @processes = ($self->_publishers(), $self->_devices());
    my $start = time();
    my $next = $start + $self->{pause};

    while (time() < $start + $self->{seconds}) {
        sleep(0.05);
        next if time() < $next;
        $trouble->next();
        $next = time() + $self->{pause};
    }

    $self->{took} = time() - $start;
    $self->_settle(@processes);

    return $self->_verdict();
}


sub _start {
    my ($self, $name, $code) = @_;

    return $self->{t}->start(name => $name, code => $code,
        output => $self->{t}->dir() . "/$name.out");
}


sub _publishers {
    my ($self) = @_;

    my $dir = $self->{t}->dir();

    return map {
        my $n = $_;
        my %set = (dir => $dir, n => $n, rate => $self->{rate} / PUBLISHERS,
            accounts => $self->{names}, record => "$dir/publisher.$n",
            coalesce => $self->{coalesce},
            $n == 1 ? (port => $self->{t}->port('http')) : ());

        # by HTTP each event waits for its answer

        if ($n == 1) {
            $set{rate} /= 4;

        } else {
            $set{rate} += 3 / 4 * $set{rate} / (PUBLISHERS - 1);
        }

        my $class = 'Pimap::Torture::'
            . ($self->{cluster} ? 'ClusterPublisher' : 'Publisher');

        $self->_start("publisher$n", sub { $class->new(%set)->run() });
    } 1 .. PUBLISHERS;
}


sub _devices {
    my ($self) = @_;

    my $dir = $self->{t}->dir();

    return map {
        my $part = $_;
        my %set = (dir => $dir, port => $self->{t}->port('http'),
            record => "$dir/devices.$part",
            map({ $_ => $self->{$_} } qw(blind stay away)),
            devices => [map { $_ % PROCESSES == $part
                ? ($_, $self->{of_device}[$_]) : () }
                0 .. $self->{devices} - 1]);

        $self->_start("devices$part", sub {
            local $SIG{PIPE} = 'IGNORE';
            Pimap::Torture::Device->new(%set)->run();
        });
    } 0 .. PROCESSES - 1;
}


# Ends the publishing; all devices connect and stay.

sub _settle {
    my ($self, @processes) = @_;

    my $t = $self->{t};
    my $dir = $t->dir();
    my (@publishers, @devices);

    push(@{ $_->{name} =~ /publisher/ ? \@publishers : \@devices }, $_)
        for @processes;

    $t->write_file("$dir/stop", '');
    $t->wait_for(sub { !grep { $_->running() } @publishers },
        'the publishers', 60);

    $self->{trouble}->end();
    $t->write_file("$dir/settle", '');

    my $redis = $self->{trouble}->master();

    for my $account (@{ $self->{names} }) {
        my $last = $redis->command('FCALL_RO', 'pimap_last', 1,
            "pimap:{$account}");

        $self->{last}{$account} = $last eq '' ? 0 : $last;
    }

    $t->write_file("$dir/last.new",
        join('', map { "$_ $self->{last}{$_}\n" } @{ $self->{names} }));
    rename("$dir/last.new", "$dir/last") or die "$dir/last: $!\n";

    $t->wait_for(sub { !grep { $_->running() } @devices }, 'the devices', 60);

    die join('', map { $t->read_file("$dir/$_->{name}.out") } @processes)
        if grep { !$_->ended_well() } @processes;
}


sub _verdict {
    my ($self) = @_;

    my $dir = $self->{t}->dir();
    my $redis = $self->{trouble}->master();
    my $verdict = Pimap::Torture::Verdict->new(last => $self->{last},
        accounts => $self->{of_device},
        lossy => $self->{sentinel} || $self->{cluster},
        coalesce => $self->{coalesce},
        reasons => { map { $_ => 1 } $self->{trouble}->reasons() });

    $verdict->log($_, $redis->command('XRANGE', "pimap:{$_}", '-', '+'))
        for @{ $self->{names} };
    $verdict->publisher($_) for glob("$dir/publisher.*");
    $verdict->devices($_) for glob("$dir/devices.*");

    return $verdict->end();
}


# Lines of figures, for the reader.

sub report {
    my ($self, $verdict) = @_;

    my $figures = $verdict->figures();
    my $status = $self->{t}->status();
    my %trouble = $self->{trouble}->counts();

    return (
        sprintf('%.0f s, %d accounts, %d devices', $self->{took},
            $self->{accounts}, $self->{devices}),
        sprintf('%d events published (%.0f/s), and %d with an error or no '
            . 'answer', $figures->{published}, $figures->{published}
            / $self->{took}, $figures->{unknown}),
        sprintf('%d deliveries, %d times a device came',
            @{$figures}{qw(events starts)}),
        'troubles: ' . join(', ', map { "$trouble{$_} $_" }
            sort(keys(%trouble))),
        'resyncs: ' . join(', ', $figures->{resyncs}, map {
            /^resync (.*)/ ? "$1 $figures->{$_}" : () }
            sort(keys(%$figures))),
        'log: ' . join(', ', map { "$_ $status->{log}{$_}" }
            qw(replayed filled duplicates gaps gapChecks)),
        "coalesced: $status->{events}{coalesced}, $figures->{merged} at "
            . 'devices',
        join(', ', map { "$_ $figures->{$_}" }
            qw(lost twice disorder wrong behind)),
        $self->{cluster} ? sprintf('subscribed again %.1f s after the cluster '
            . 'was whole, at most', $self->{trouble}->slowest()) : (),
    );
}


1;
