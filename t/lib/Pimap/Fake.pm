package Pimap::Fake;

# A process of the test's own that acts as a server.  Its "mode" controls its
# behaviour; the test may change the mode at any time.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;


# t => the test, name => of its port, mode => the first one

sub new {
    my ($class, %set) = @_;
    return bless({ %set }, $class);
}


sub port { $_[0]{t}->port($_[0]{name}) }


sub start {
    my ($self) = @_;

    my $dir = $self->{t}->dir();

    $self->mode($self->{mode});

    my $server = $self->listen();

    $self->{process} = $self->{t}->start(name => "fake $self->{name}",
        output => "$dir/$self->{name}.out",
        code => sub { $self->serve($server) });

    CORE::close($server);
    return $self;
}


sub stop { $_[0]{t}->stop($_[0]{process}) }


# Sets the mode: the process reads either the old or the whole new one.

sub mode {
    my ($self, $mode) = @_;

    my $file = $self->{t}->dir() . "/$self->{name}.mode";

    return $self->{t}->read_file($file) if !defined $mode;

    $self->{t}->write_file("$file.new", $mode);
    rename("$file.new", $file) or die "$file: $!\n";

    return $mode;
}


# Lines from the process to the test: the number of times it did something.

sub note {
    my ($self, $what) = @_;

    open(my $fh, '>>', $self->{t}->dir() . "/$self->{name}.notes") or die;
    syswrite($fh, "$what\n");
}


sub noted {
    my ($self, $re) = @_;

    my $notes = $self->{t}->read_file($self->{t}->dir()
        . "/$self->{name}.notes");

    return scalar(() = $notes =~ /^$re$/mg);
}


sub listen {
    my ($self) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16,
        LocalPort => $self->port(), ReuseAddr => 1)
        // die "$self->{name}: $!\n";
}


1;
